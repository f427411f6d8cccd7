//! Comparing the tables of two runs step by step.

use super::findings::{Difference, Findings};
use crate::fault::{Fault, Result};
use crate::store::RunDir;
use std::collections::BTreeMap;
use std::path::Path;

/// The one column that is a time.
const TIMES: [&str; 1] = ["tokens_per_s"];

/// `digests.csv` of a run: step → (tensor, digest) in the order of the file, `*` first.
pub type Digests = BTreeMap<u64, Vec<(String, String)>>;

/// Reads `digests.csv`.
pub fn read(run: &RunDir) -> Result<Digests> {
    let table = Table::read(&run.file("digests.csv"))?;
    let mut digests = Digests::new();
    for row in &table.rows {
        if let [step, tensor, digest] = row.as_slice() {
            digests.entry(table.step(step)?).or_default().push((tensor.clone(), digest.clone()));
        }
    }
    Ok(digests)
}

/// Names the first common step whose state differs, and its first tensor.
pub fn compare(a: &RunDir, b: &RunDir, findings: &mut Findings) -> Result<()> {
    let (x, y) = (read(a)?, read(b)?);
    let common: Vec<u64> = x.keys().filter(|step| y.contains_key(step)).copied().collect();
    let Some(last) = common.last() else {
        return Err(Fault::failed("the runs have no digested step in common")
            .found(format!("{} and {} steps", x.len(), y.len()))
            .help("compare runs with the same `train.digest_every`"));
    };
    findings.checked.push(format!("digests.csv: {} common steps, the last is {last}", common.len()));
    for step in common {
        // The whole comes first; when it differs, the tensors say where.
        let differs = |(p, q): &(&(String, String), &(String, String))| p != q;
        let pairs = || x[&step].iter().zip(&y[&step]);
        let Some(whole) = pairs().find(differs) else { continue };
        let (p, q) = pairs().skip(1).find(differs).unwrap_or(whole);
        let (file, tensor) = ("digests.csv".to_string(), Some(p.0.clone()));
        let (a, b) = (p.1.clone(), q.1.clone());
        findings.differences.push(Difference {
            file,
            step: Some(step),
            tensor,
            a,
            b,
            ..Difference::default()
        });
        return Ok(());
    }
    Ok(())
}

/// Names the first common row of a table that differs, and its column.
pub fn compare_tables(a: &RunDir, b: &RunDir, file: &str, findings: &mut Findings) -> Result<()> {
    let (x, y) = (Table::read(&a.file(file))?, Table::read(&b.file(file))?);
    let rows = x.rows.len().min(y.rows.len());
    findings.checked.push(format!("{file}: {rows} common rows, without times"));
    if x.header != y.header {
        let (a, b) = (x.header.join(","), y.header.join(","));
        findings.differences.push(Difference { file: file.into(), a, b, ..Difference::default() });
        return Ok(());
    }
    for (p, q) in x.rows.iter().zip(&y.rows) {
        let cells = x.header.iter().zip(p.iter().zip(q));
        let Some((column, (a, b))) =
            cells.filter(|(c, _)| !TIMES.contains(&c.as_str())).find(|(_, (a, b))| a != b)
        else {
            continue;
        };
        findings.differences.push(Difference {
            file: file.into(),
            step: p.first().and_then(|s| s.parse().ok()),
            column: Some(column.clone()),
            a: a.clone(),
            b: b.clone(),
            ..Difference::default()
        });
        return Ok(());
    }
    Ok(())
}

/// A CSV file in memory.
struct Table {
    path: String,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    fn read(path: &Path) -> Result<Table> {
        let bytes = std::fs::read(path).map_err(|e| Fault::io("read", path, &e))?;
        let damaged =
            |e: csv::Error| Fault::failed(format!("not a table: {e}")).at(path.display().to_string());
        let mut reader = csv::Reader::from_reader(bytes.as_slice());
        let cells = |record: &csv::StringRecord| record.iter().map(String::from).collect::<Vec<_>>();
        let header = cells(reader.headers().map_err(damaged)?);
        let rows: std::result::Result<Vec<_>, _> = reader.records().map(|r| r.map(|r| cells(&r))).collect();
        Ok(Table { path: path.display().to_string(), header, rows: rows.map_err(damaged)? })
    }

    fn step(&self, cell: &str) -> Result<u64> {
        cell.parse().map_err(|_| Fault::failed("not a step").at(self.path.clone()).found(cell))
    }
}
