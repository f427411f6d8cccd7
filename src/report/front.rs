//! `eval_results.md`: the first table, where the others are, and the runs.

use super::archive::versions;
use super::table::{body, origins, Header, Table};
use std::path::Path;

/// The front page: the table, where the others are, and the runs.
pub fn page(table: &Table, header: &Header, links: &[(String, String)]) -> String {
    let mut text = format!("# {}\n\n", table.title);
    text += &format!("table `{}` · schema {} · {}\n\n", table.name, header.schema, header.statistics);
    text += &body(table);
    text += LINKS;
    text += &list(links);
    text += AFTER_LINKS;
    text += "\n\n## Made from\n\n";
    text + &origins(header)
}

/// The front page where every run was made for an ablation.
pub fn without_runs(links: &[(String, String)]) -> String {
    format!(
        "# Results\n\nNo run outside an ablation was reported on yet.\n{LINKS}{}{AFTER_LINKS}\n",
        list(links)
    )
}

const LINKS: &str = "\n## All tables\n\n";
const AFTER_LINKS: &str = "\nPlots and tables on one page: [index.html](index.html).";

fn list(links: &[(String, String)]) -> String {
    let line = |(name, version): &(String, String)| {
        format!("- {name}: [{version}.md]({name}/{version}.md), [{version}.csv]({name}/{version}.csv)\n")
    };
    links.iter().map(line).collect()
}

/// A front page with other links; a text that is none comes back as it is.
pub fn with_links(front: &str, links: &[(String, String)]) -> String {
    let parts = front.split_once(LINKS).and_then(|(head, rest)| {
        let (_, tail) = rest.split_once(AFTER_LINKS)?;
        Some((head, tail))
    });
    match parts {
        Some((head, tail)) => format!("{head}{LINKS}{}{AFTER_LINKS}{tail}", list(links)),
        None => front.into(),
    }
}

/// Every table with its latest version.
pub fn links(reports: &Path) -> Vec<(String, String)> {
    let latest = |name: String| {
        let version = *versions::list(reports, &name).last()?;
        Some((name, versions::stem(version)))
    };
    versions::tables(reports).into_iter().filter_map(latest).collect()
}
