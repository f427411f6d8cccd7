//! What only shows when all files are known: missing folders and files, rows, clips in two splits.

use super::entry::Seen;
use super::intake::{Intake, Record};
use super::layout::{Folder, Layout};
use super::problems::Problems;
use super::stem::clip_id;
use crate::data::part::Part;
use crate::fault::{listed, Fault};
use std::collections::{BTreeMap, BTreeSet};

/// Names shown of a list; the rest is counted.
const SHOWN: usize = 12;

/// The files of one clip, one place for each folder of the layout.
pub struct Group {
    pub part: Part,
    pub stem: String,
    pub files: Vec<Option<Record>>,
}

/// Clips in the order of split and stem; everything wrong with them is added to the problems.
pub fn groups(intake: &mut Intake, seen: &Seen) -> Vec<Group> {
    let layout = intake.layout;
    let problems = &mut intake.problems;
    if intake.roots.len() > 1 {
        problems.push(
            Fault::invalid("more than one dataset in the archive")
                .found(list(intake.roots.iter().map(|r| format!("`{r}/`"))))
                .expected("one root folder, or none")
                .help("pack one dataset alone"),
        );
    }
    let groups = group(std::mem::take(&mut intake.records), layout, problems);
    let present = present(&groups, layout);
    folders(&present, layout, seen, problems);
    for g in &groups {
        missing(g, &present, layout, problems);
        rows(g, layout, problems);
    }
    twice(&groups, layout, problems);
    groups
}

fn group(mut records: Vec<Record>, layout: &Layout, problems: &mut Problems) -> Vec<Group> {
    records.sort_by(|a, b| (a.part, &a.stem, a.folder).cmp(&(b.part, &b.stem, b.folder)));
    let mut groups: Vec<Group> = Vec::new();
    for record in records {
        if groups.last().is_none_or(|g| (g.part, &g.stem) != (record.part, &record.stem)) {
            let files = layout.folders.iter().map(|_| None).collect();
            groups.push(Group { part: record.part, stem: record.stem.clone(), files });
        }
        let Some(group) = groups.last_mut() else { continue };
        let (folder, path) = (record.folder, layout.path(record.part, record.folder, &record.stem));
        // One that was refused has been told already.
        let whole = record.rows.is_some();
        if group.files[folder].replace(record).is_some_and(|other| whole && other.rows.is_some()) {
            let fault = Fault::invalid("two files of one name").at(path);
            let help =
                "keep one of them (an archive may hold a file twice; names that differ in their Unicode \
                        form only are one name)";
            problems.push(fault.help(help));
        }
    }
    groups
}

/// Whether a split has any file in a folder, `[part][folder]`.
fn present(groups: &[Group], layout: &Layout) -> [Vec<bool>; 3] {
    let mut present = [(); 3].map(|()| vec![false; layout.folders.len()]);
    for g in groups {
        for (seen, file) in present[g.part as usize].iter_mut().zip(&g.files) {
            *seen |= file.is_some();
        }
    }
    present
}

/// Whether a folder must have a file for every clip: modalities always, captions for labels if there are any.
fn required(folder: usize, layout: &Layout, present: &[Vec<bool>; 3]) -> bool {
    layout.folders[folder].modality.is_some() || present.iter().any(|p| p[folder])
}

fn folders(present: &[Vec<bool>; 3], layout: &Layout, seen: &Seen, problems: &mut Problems) {
    for part in Part::ALL {
        let split = &layout.splits[part as usize];
        if !present[part as usize].contains(&true) {
            problems.push(no_clips(part, layout, seen));
            continue;
        }
        for (i, folder) in layout.folders.iter().enumerate() {
            if !present[part as usize][i] && required(i, layout, present) {
                let help =
                    "correct the modality's `name` or `text` in the manifest, or export it for every clip";
                let place = format!("{split}/{}", folder.name);
                if linked(seen, &place) {
                    problems.push(a_link(place));
                    continue;
                }
                problems.push(if children(seen, split).contains(&folder.name.as_str()) {
                    Fault::invalid(format!("no `.{}` files in a modality's folder", folder.extension()))
                        .at(place)
                        .help(help)
                } else {
                    Fault::invalid(format!("missing modality `{}`", folder.name))
                        .at(place)
                        .found(or_nothing(children(seen, split)))
                        .help(help)
                });
            }
        }
    }
}

fn no_clips(part: Part, layout: &Layout, seen: &Seen) -> Fault {
    let split = layout.splits[part as usize].as_str();
    let exists = seen.folders.iter().any(|f| f.split('/').any(|name| name == split));
    let help = format!("correct `data.splits.{}` in the manifest, or export the split", part.name());
    if linked(seen, split) {
        return a_link(split.to_string());
    }
    if exists {
        return Fault::invalid(format!("empty split: `{split}` has no clip of these modalities"))
            .at(split)
            .found(or_nothing(children(seen, split)))
            .help(help);
    }
    // Whatever holds a folder named like a modality is a split under another name.
    let holder = |path: &'_ String| {
        let (above, name) = path.rsplit_once('/')?;
        let known = layout.folders.iter().any(|f| f.name == name);
        known.then(|| above.rsplit('/').next().unwrap_or(above).to_string())
    };
    let splits: BTreeSet<String> = seen.folders.iter().filter_map(holder).collect();
    Fault::invalid(format!("missing split folder `{split}`"))
        .at(split)
        .found(or_nothing(splits.iter().map(String::as_str).collect()))
        .help(help)
}

/// Whether an archive holds a link where this folder should be.
fn linked(seen: &Seen, folder: &str) -> bool {
    seen.links
        .iter()
        .any(|link| link.strip_suffix(folder).is_some_and(|root| root.is_empty() || root.ends_with('/')))
}

fn a_link(folder: String) -> Fault {
    Fault::invalid("the archive holds a link instead of a folder")
        .at(folder)
        .help("pack it again with `tar --dereference --hard-dereference`")
}

/// Folders directly inside a split, of those that were seen.
fn children<'a>(seen: &'a Seen, split: &str) -> Vec<&'a str> {
    let inside = |path: &'a String| {
        let (above, name) = path.rsplit_once('/')?;
        (above.rsplit('/').next() == Some(split)).then_some(name)
    };
    seen.folders.iter().filter_map(inside).collect()
}

fn or_nothing(names: Vec<&str>) -> String {
    if names.is_empty() {
        return "no folder".into();
    }
    format!("folders {}", list(names.into_iter().map(String::from)))
}

fn list(names: impl Iterator<Item = String>) -> String {
    listed(&names.collect::<Vec<_>>(), SHOWN)
}

fn missing(g: &Group, present: &[Vec<bool>; 3], layout: &Layout, problems: &mut Problems) {
    for (i, file) in g.files.iter().enumerate() {
        // A folder that is missing altogether has been told once already.
        if file.is_none() && present[g.part as usize][i] && required(i, layout, present) {
            let others = g.files.iter().zip(&layout.folders).filter(|(f, _)| f.is_some());
            let others: Vec<&str> = others.map(|(_, f)| f.name.as_str()).collect();
            problems.push(
                Fault::invalid("missing file of a clip")
                    .at(layout.path(g.part, i, &g.stem))
                    .found(format!("the clip in {}", others.join(", ")))
                    .expected("the same stems in every modality")
                    .help("export the clip in this modality, or remove it from the others"),
            );
        }
    }
}

fn rows(g: &Group, layout: &Layout, problems: &mut Problems) {
    let counts = |captions: bool| {
        let files = g.files.iter().zip(&layout.folders).enumerate();
        let of = move |(i, (file, folder)): (usize, (&Option<Record>, &Folder))| {
            (folder.captions == captions).then_some((i, file.as_ref()?.rows?))
        };
        files.filter_map(of).collect::<Vec<(usize, usize)>>()
    };
    let (tokens, captions) = (counts(false), counts(true));
    if tokens.iter().any(|t| t.1 != tokens[0].1) {
        let found = tokens.iter().map(|&(i, rows)| format!("{} in {}", rows, layout.folders[i].name));
        problems.push(
            Fault::invalid("rows differ between modalities")
                .at(format!("{}/*/{}", layout.splits[g.part as usize], g.stem))
                .found(found.collect::<Vec<_>>().join(", "))
                .expected("the same K in every modality: row k is aligned across them")
                .help("export the clip again (a modality without augmentations repeats its row)"),
        );
        return;
    }
    let Some(&(_, rows)) = tokens.first().or(captions.first()) else { return };
    for &(i, count) in captions.iter().filter(|c| c.1 != rows) {
        problems.push(
            Fault::invalid("not as many captions as rows")
                .at(layout.path(g.part, i, &g.stem))
                .found(format!("{count} captions"))
                .expected(format!("{rows}, one for each row"))
                .help("export the captions again"),
        );
    }
}

fn twice(groups: &[Group], layout: &Layout, problems: &mut Problems) {
    let mut first: BTreeMap<&str, &Group> = BTreeMap::new();
    for g in groups {
        let other = *first.entry(clip_id(&g.stem)).or_insert(g);
        if other.part != g.part {
            let name = |g: &Group| format!("{}/*/{}", layout.splits[g.part as usize], g.stem);
            problems.push(
                Fault::invalid("a clip is in two splits")
                    .at(name(g))
                    .found(format!("clip `{}` also as {}", clip_id(&g.stem), name(other)))
                    .expected("every clip in one split")
                    .help("remove one of them, or divide the clips again with `nano4m data split`"),
            );
        }
    }
}
