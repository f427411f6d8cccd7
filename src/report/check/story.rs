//! The check from beginning to end.

use super::checked::{Checked, Uncheckable};
use super::gathered::Gathered;
use super::heads::{self, Head};
use super::recomputed::{self, Recomputed};
use super::{pages, texts};
use crate::fault::{Fault, Result};
use crate::report::archive::{sums, versions};
use crate::report::shipped::FOLDER;
use std::collections::BTreeSet;
use std::path::Path;

/// Makes the latest version of every table again, from the scores that lie with it or else from the runs, and compares
/// every byte of both its files, of the plots and of the pages; of every other file the digest. Table by table: what
/// cannot be made again here is counted and ends nothing.
///
/// # Errors
/// If there is no table, or a file cannot be read.
pub fn check(runs_root: &Path, reports: &Path) -> Result<Checked> {
    if versions::tables(reports).is_empty() {
        return Err(Fault::invalid("no tables to check")
            .at(reports.display().to_string())
            .help("`nano4m report` makes them"));
    }
    let files = sums::files(reports)?;
    let (heads, unreadable) = heads::read(reports)?;
    let mut gathered = Gathered::new(runs_root, reports, &heads)?;
    let mut checked = Checked { reports: reports.display().to_string(), ..Checked::default() };
    checked.differences = unreadable;
    checked.differences.append(&mut gathered.differences);
    checked.notes.append(&mut gathered.notes);

    let (mut recomputed, mut held) = (Recomputed::default(), BTreeSet::new());
    for head in &heads {
        match gathered.lack(head) {
            Some(why) => checked.not_checkable.push(Uncheckable {
                table: head.table.clone(),
                version: versions::stem(head.version),
                why,
            }),
            None => table(reports, head, &gathered, &mut recomputed, &mut checked, &mut held)?,
        }
    }
    let mut pages = pages::check(reports, &heads, &gathered, &recomputed)?;
    checked.drawn = pages.drawn;
    checked.differences.append(&mut pages.differences);
    held.append(&mut pages.held);

    let told: BTreeSet<String> = checked.differences.iter().map(|d| inside(&d.file)).collect();
    let (more, same) = sums::differences(reports, &held, &told)?;
    checked.by_digest = files.iter().filter(|file| same.contains(*file) && !held.contains(*file)).count();
    checked.differences.extend(more);
    Ok(checked)
}

/// One table.
fn table(
    reports: &Path,
    head: &Head,
    gathered: &Gathered,
    recomputed: &mut Recomputed,
    checked: &mut Checked,
    held: &mut BTreeSet<String>,
) -> Result<()> {
    let differences = match recomputed.report(gathered, head) {
        Ok(report) => recomputed::differences(reports, head, report)?,
        Err(why) => vec![texts::whole(&head.table, &head.file("csv"), "a table", &why)],
    };
    checked.tables += 1;
    checked.from_committed += usize::from(gathered.all_committed(head));
    checked.digits += recomputed::digits(&head.csv);
    let files = ["csv", "md"].map(|extension| head.file(extension));
    held.extend(files.into_iter().filter(|file| differences.iter().all(|d| d.file != *file)));
    checked.differences.extend(differences);
    Ok(())
}

/// The file of a difference that may name a part of it: `scores/x.tar.gz: record.json`.
fn inside(file: &str) -> String {
    match file.split_once(": ") {
        Some((archive, _)) if archive.starts_with(FOLDER) => archive.into(),
        _ => file.into(),
    }
}
