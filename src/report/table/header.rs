//! Where a table comes from: schema, statistics, and for each run its code, data, manifest, seeds.
//!
//! Written as comment lines at the head of the CSV, read back by `report --check` and `report diff`.

use super::definition::Table;
use crate::stats::bootstrap::Method;
use crate::stats::Bootstrap;

/// Origin of one run's numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Directory name under the runs folder.
    pub run: String,
    pub code: String,
    pub data: String,
    /// Hash of the manifest without names, seeds and pins.
    pub manifest: String,
    /// `init/data/masking/probes`.
    pub seeds: String,
    /// `refused`-able drift that was allowed; `none` otherwise.
    pub drift: String,
}

/// The head of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    pub table: String,
    pub schema: String,
    /// Level, method, replicates, seed.
    pub statistics: String,
    pub origins: Vec<Origin>,
}

impl Header {
    /// The head of `table`, made with `plan` from the runs of `origins`.
    pub fn new(table: &Table, plan: &Bootstrap, origins: Vec<Origin>) -> Header {
        Header {
            table: table.name.to_string(),
            schema: table.schema.to_string(),
            statistics: statistics(plan),
            origins,
        }
    }

    /// One line per fact, without comment marks.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![
            format!("table: {}", self.table),
            format!("schema: {}", self.schema),
            format!("statistics: {}", self.statistics),
        ];
        lines.extend(self.origins.iter().map(|o| {
            format!(
                "run: {} code {} data {} manifest {} seeds {} drift {}",
                o.run, o.code, o.data, o.manifest, o.seeds, o.drift
            )
        }));
        lines
    }

    /// Reads the comment lines of a CSV; `None` if they are not a table's.
    pub fn parse(csv: &str) -> Option<Header> {
        let mut header =
            Header { table: "".into(), schema: "".into(), statistics: "".into(), origins: vec![] };
        for line in csv.lines().map_while(|l| l.strip_prefix("# ")) {
            let (name, value) = line.split_once(": ")?;
            match name {
                "table" => header.table = value.into(),
                "schema" => header.schema = value.into(),
                "statistics" => header.statistics = value.into(),
                "run" => header.origins.push(parse_origin(value)?),
                _ => {}
            }
        }
        (!header.table.is_empty() && !header.schema.is_empty()).then_some(header)
    }

    /// The statistics the table was made with.
    pub fn plan(&self) -> Option<Bootstrap> {
        let words: Vec<&str> = self.statistics.split(' ').collect();
        let after = |name: &str| words.iter().position(|w| *w == name).and_then(|i| words.get(i + 1));
        Some(Bootstrap {
            level: after("level")?.parse().ok()?,
            method: match *after("method")? {
                "bca" => Method::Bca,
                "percentile" => Method::Percentile,
                _ => return None,
            },
            replicates: after("replicates")?.parse().ok()?,
            seed: after("seed")?.parse().ok()?,
        })
    }
}

fn statistics(plan: &Bootstrap) -> String {
    let method = match plan.method {
        Method::Bca => "bca",
        Method::Percentile => "percentile",
    };
    format!("level {} method {method} replicates {} seed {}", plan.level, plan.replicates, plan.seed)
}

fn parse_origin(line: &str) -> Option<Origin> {
    let words: Vec<&str> = line.split(' ').collect();
    let [run, "code", code, "data", data, "manifest", manifest, "seeds", seeds, "drift", drift] = words[..]
    else {
        return None;
    };
    Some(Origin {
        run: run.into(),
        code: code.into(),
        data: data.into(),
        manifest: manifest.into(),
        seeds: seeds.into(),
        drift: drift.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_reads_back() {
        let header = Header {
            table: "cross_entropy".into(),
            schema: "1".into(),
            statistics: statistics(&Bootstrap::default()),
            origins: vec![Origin {
                run: "x-0123456789".into(),
                code: "sha256:00".into(),
                data: "11".into(),
                manifest: "22".into(),
                seeds: "42/42/42/42".into(),
                drift: "none".into(),
            }],
        };
        let csv: String = header.lines().iter().map(|l| format!("# {l}\n")).collect();
        assert_eq!(Header::parse(&(csv + "a,b\n1,2\n")), Some(header.clone()));
        assert_eq!(header.plan(), Some(Bootstrap::default()));
        assert_eq!(Header::parse("a,b\n1,2\n"), None);
    }
}
