//! Two runs against each other: whatever one has and the other lacks is a difference, as whatever differs.

use super::findings::{some, Difference, Findings};
use super::manifest::resolved;
use super::table::{held_by, Table};
use super::tensors::{self, halves, Checkpoint, Digests};
use crate::fault::{Fault, Result};
use crate::manifest::schema::Experiment;
use crate::metrics::Metric;
use crate::provenance::Provenance;
use crate::record::{digest, parts, Record};
use crate::store::RunDir;
use std::collections::{BTreeMap, BTreeSet};

/// The one column that is a time.
const TIMES: [&str; 1] = ["tokens_per_s"];
/// Hex digits of a tensor's digest that are shown.
const SHOWN: usize = 16;
const THERE: &str = "there";
const MISSING: &str = "missing";

/// Compares two runs: records, the digests of every step, metrics, evaluations, per-example scores and every
/// checkpoint. Times (`tokens_per_s`) do not count; nor do names, and where and when a run was made.
///
/// # Errors
/// If a file cannot be read.
pub fn compare(a: &RunDir, b: &RunDir) -> Result<Findings> {
    let mut findings = Findings::default();
    digests(a, b, &mut findings)?;
    for (file, keys) in [("metrics.csv", 1), ("eval.csv", 2)] {
        tables(a, b, (file, keys), &mut findings)?;
    }
    checkpoints(a, b, &mut findings)?;
    scores(a, b, &mut findings)?;
    records(a, b, &mut findings)?;
    let not = "names, manifests' texts, provenance.json, status.json and log.txt: they say who, where and when; of \
               the records: program, code, device, drift and pins";
    findings.not_covered.push(not.into());
    findings.not_covered.extend(apart(a, b));
    Ok(findings)
}

/// What the two runs were made with that can move last bits, where it is not the same: they cannot be held against
/// each other bit by bit, and a difference says nothing against either.
fn apart(a: &RunDir, b: &RunDir) -> Option<String> {
    let [a, b] = [a, b].map(|run| Provenance::read(&run.file("provenance.json")).ok());
    let (a, b) = (a?, b?);
    let moved = b.last().moved_from(a.last());
    let told: Vec<String> =
        moved.iter().map(|(what, there, here)| format!("{what}: {there} and {here}")).collect();
    (!told.is_empty()).then(|| {
        format!(
            "equal bits, which nobody promises between runs made with another {}",
            told.join("; another ")
        )
    })
}

/// What one side has and the other has not, as one difference for each side.
fn lacking<K: Ord + Clone>(
    file: &str,
    (x, y): (&BTreeSet<K>, &BTreeSet<K>),
    name: impl Fn(&[K]) -> String,
    findings: &mut Findings,
) {
    for (own, other, in_a) in [(x, y, true), (y, x, false)] {
        let only: Vec<K> = own.difference(other).cloned().collect();
        if !only.is_empty() {
            let what = name(&only);
            let (a, b) = if in_a { (what, MISSING.to_string()) } else { (MISSING.to_string(), what) };
            findings.differences.push(Difference::of(file, a, b));
        }
    }
}

/// A file that every run has, of both; what one or both lack is a difference.
fn both<T>(file: &str, a: Option<T>, b: Option<T>, findings: &mut Findings) -> Option<(T, T)> {
    let said = |side: &Option<T>| if side.is_some() { THERE } else { MISSING };
    let (x, y) = (said(&a), said(&b));
    match (a, b) {
        (Some(a), Some(b)) => Some((a, b)),
        _ => {
            findings.differences.push(Difference::of(file, x, y));
            None
        }
    }
}

/// Rows that say the same and are not written the same: their order, or the bytes between their cells.
fn written(a: &RunDir, b: &RunDir, file: &str, findings: &mut Findings) {
    if !findings.differs(file) && held_by(a, file) != held_by(b, file) {
        let difference = Difference::of(file, "the same cells", "in another order, or written otherwise");
        findings.differences.push(difference);
    }
}

/// The first common step whose state differs, and its first tensor; steps that one lacks.
fn digests(a: &RunDir, b: &RunDir, findings: &mut Findings) -> Result<()> {
    const FILE: &str = "digests.csv";
    let Some((x, y)) = both(FILE, tensors::rows(a)?, tensors::rows(b)?, findings) else { return Ok(()) };
    let steps = |rows: &tensors::Rows| rows.keys().copied().collect::<BTreeSet<u64>>();
    let common: Vec<u64> = steps(&x).intersection(&steps(&y)).copied().collect();
    let last = common.last().map_or(String::new(), |last| format!(", the last is {last}"));
    findings.checked.push(format!("{FILE}: {} common steps{last}", common.len()));
    let differing = common.iter().filter(|step| x[step] != y[step]);
    let difference = |step: &u64| {
        // The whole comes first; when it differs, the tensors say where.
        let of = |rows: &tensors::Rows| rows[step].iter().cloned().collect::<BTreeMap<String, String>>();
        let (p, q) = (of(&x), of(&y));
        let names = x[step].iter().chain(&y[step]).map(|(name, _)| name);
        let differ = |name: &&String| p.get(*name) != q.get(*name);
        let name =
            names.clone().filter(|name| *name != "*").find(differ).or_else(|| names.clone().find(differ));
        let Some(name) = name else {
            return Difference::of(FILE, "the same rows", "in another order").step(*step);
        };
        let shown =
            |rows: &BTreeMap<String, String>| rows.get(name).cloned().unwrap_or_else(|| MISSING.into());
        Difference::of(FILE, shown(&p), shown(&q)).step(*step).tensor(name.as_str())
    };
    findings.first_of(differing.map(difference).collect::<Vec<_>>());
    lacking(FILE, (&steps(&x), &steps(&y)), |only| counted(only.len(), "step", &some(only)), findings);
    written(a, b, FILE, findings);
    Ok(())
}

/// The first common row of a table that differs, and its column; rows that one lacks. The first cells of a row, as
/// many as `keys`, name it.
fn tables(a: &RunDir, b: &RunDir, (file, keys): (&str, usize), findings: &mut Findings) -> Result<()> {
    let (x, y) = (Table::read(a, file)?, Table::read(b, file)?);
    let Some((x, y)) = both(file, x, y, findings) else { return Ok(()) };
    if x.header != y.header {
        findings.differences.push(Difference::of(file, x.header.join(","), y.header.join(",")));
        return Ok(());
    }
    type Rows = BTreeMap<(u64, Vec<String>), Vec<String>>;
    let keyed = |table: &Table| -> Result<Rows> {
        let steps = table.steps()?.into_iter().zip(&table.rows);
        Ok(steps.map(|(step, row)| ((step, row[1..keys.min(row.len())].to_vec()), row.clone())).collect())
    };
    let (p, q) = (keyed(&x)?, keyed(&y)?);
    let mut common = 0;
    let mut differing = Vec::new();
    for (key, left) in &p {
        let Some(right) = q.get(key) else { continue };
        common += 1;
        let cells = x.header.iter().zip(left.iter().zip(right));
        let differ =
            |(column, (a, b)): &(&String, (&String, &String))| a != b && !TIMES.contains(&column.as_str());
        if let Some((column, (a, b))) = cells.clone().find(differ) {
            differing.push(Difference::of(file, a, b).step(key.0).column(column));
        }
    }
    findings.checked.push(format!("{file}: {common} common rows, without times"));
    findings.first_of(differing);
    // Rows under one key are more than one only in a file that was changed.
    let keys = |rows: &Rows| rows.keys().cloned().collect::<BTreeSet<_>>();
    let name = |only: &[(u64, Vec<String>)]| {
        let mut steps: Vec<u64> = only.iter().map(|(step, _)| *step).collect();
        steps.dedup();
        counted(only.len(), "row", &format!("step {}", some(&steps)))
    };
    lacking(file, (&keys(&p), &keys(&q)), name, findings);
    if x.rows.len() != p.len() || y.rows.len() != q.len() {
        let of =
            |table: &Table, rows: usize| format!("{} rows, {rows} of them different ones", table.rows.len());
        findings.differences.push(Difference::of(file, of(&x, p.len()), of(&y, q.len())));
    }
    written(a, b, file, findings);
    Ok(())
}

fn counted(n: usize, what: &str, which: &str) -> String {
    format!("{n} {what}{} ({which})", if n == 1 { "" } else { "s" })
}

/// The first tensor that differs of every checkpoint; checkpoints that one lacks, but for those that a stop left.
fn checkpoints(a: &RunDir, b: &RunDir, findings: &mut Findings) -> Result<()> {
    let steps = |run: &RunDir| run.checkpoints().into_iter().collect::<BTreeSet<u64>>();
    let (x, y) = (steps(a), steps(b));
    for &step in x.intersection(&y) {
        findings.checked.push(format!("checkpoint of step {step}, every tensor"));
        let read = |run| Checkpoint::read(run, step);
        let (p, q) = match (read(a), read(b)) {
            (Ok(p), Ok(q)) => (p, q),
            (p, q) => {
                let half =
                    [&p, &q].into_iter().find_map(|read| read.as_ref().err().map(|(half, _)| half.clone()));
                let said = |read: std::result::Result<Checkpoint, (String, Fault)>| {
                    read.map_or_else(|(_, fault)| fault.what, |_| THERE.into())
                };
                let difference = Difference::of(half.unwrap_or_default(), said(p), said(q));
                findings.differences.push(difference.step(step));
                continue;
            }
        };
        let [parameters, moments] = halves(a, step);
        tensors_of(&parameters, step, &p.parameters, &q.parameters, findings);
        tensors_of(&moments, step, &p.moments, &q.moments, findings);
        let position = |c: &Checkpoint| format!("{:?}", c.position);
        if p.position != q.position {
            findings.differences.push(Difference::of(&moments, position(&p), position(&q)).step(step));
        }
        for half in [parameters, moments] {
            if !findings.differs(&half) && digest(a, &half)? != digest(b, &half)? {
                let difference = Difference::of(half, "the same tensors", "under another header");
                findings.differences.push(difference.step(step));
            }
        }
    }
    if x.is_empty() && y.is_empty() {
        findings.not_covered.push("checkpoints: neither run has one".into());
    }
    let mut counted_in = (x.clone(), y.clone());
    for (run, own, other) in [(a, &mut counted_in.0, &y), (b, &mut counted_in.1, &x)] {
        let Ok(Experiment { train, .. }) = resolved(run) else { continue };
        own.retain(|step| {
            let left = !train.is_due(train.checkpoint_every, *step) && !other.contains(step);
            if left {
                let directory = run.id.directory();
                findings
                    .checked
                    .push(format!("checkpoint of step {step}: left by a stop of {directory}, only there"));
            }
            !left
        });
    }
    let name = |only: &[u64]| counted(only.len(), "checkpoint", &format!("step {}", some(only)));
    lacking("checkpoints/", (&counted_in.0, &counted_in.1), name, findings);
    Ok(())
}

fn tensors_of(file: &str, step: u64, x: &Digests, y: &Digests, findings: &mut Findings) {
    let names: BTreeSet<&String> = x.keys().chain(y.keys()).collect();
    let shown =
        |digest: Option<&String>| digest.map_or(MISSING.into(), |d| d[..SHOWN.min(d.len())].to_string());
    let differing = names.into_iter().filter(|name| x.get(*name) != y.get(*name));
    let difference =
        |name: &String| Difference::of(file, shown(x.get(name)), shown(y.get(name))).step(step).tensor(name);
    findings.first_of(differing.map(difference).collect::<Vec<_>>());
}

/// The first row of each file of scores that differs; files that one lacks.
fn scores(a: &RunDir, b: &RunDir, findings: &mut Findings) -> Result<()> {
    let files = |run: &RunDir| -> Result<BTreeSet<String>> {
        Ok(parts(run)?.own.into_iter().filter(|path| path.starts_with("probes/")).collect())
    };
    let (x, y) = (files(a)?, files(b)?);
    for file in x.intersection(&y) {
        findings.checked.push(format!("{file}, every byte"));
        if digest(a, file)? != digest(b, file)? {
            let read = |run: &RunDir| {
                let path = run.file(file);
                crate::store::regular::read_own(&path).map_err(|e| Fault::io("read", &path, &e))
            };
            findings.differences.push(first_line(file, &read(a)?, &read(b)?));
        }
    }
    lacking("probes/", (&x, &y), |only| counted(only.len(), "file", &only.join(", ")), findings);
    Ok(())
}

fn first_line(file: &str, x: &[u8], y: &[u8]) -> Difference {
    let line = |bytes: &[u8], n: usize| {
        String::from_utf8_lossy(bytes).lines().nth(n).unwrap_or("(end of file)").to_string()
    };
    let n = x.split(|&c| c == b'\n').zip(y.split(|&c| c == b'\n')).take_while(|(p, q)| p == q).count();
    Difference::of(format!("{file}:{}", n + 1), line(x, n), line(y, n))
}

/// What the records say that does not depend on names.
fn records(a: &RunDir, b: &RunDir, findings: &mut Findings) -> Result<()> {
    const FILE: &str = "record.json";
    let read = |run: &RunDir| {
        let path = run.file(FILE);
        path.exists().then(|| Record::as_it_stands(&path)).transpose()
    };
    let (p, q) = (read(a)?, read(b)?);
    if p.is_none() && q.is_none() {
        findings.not_covered.push(format!("{FILE}: neither run is finished"));
        return Ok(());
    }
    let Some(((p, _), (q, _))) = both(FILE, p, q, findings) else { return Ok(()) };
    findings.checked.push(format!(
        "{FILE}: {} and {} metrics, the ends of both trainings",
        p.metrics.len(),
        q.metrics.len()
    ));
    findings.equal(FILE, "data_hash", &p.data_hash, &q.data_hash);
    findings.equal(FILE, "seeds", format!("{:?}", p.seeds), format!("{:?}", q.seeds));
    findings.equal(FILE, "parameters", p.parameters, q.parameters);
    findings.equal(FILE, "steps", p.steps, q.steps);
    findings.equal(FILE, "train_tokens", p.train_tokens, q.train_tokens);
    findings.equal(FILE, "final_digest", &p.final_digest, &q.final_digest);
    findings.equal(FILE, "clips", format!("{:?}", p.clips), format!("{:?}", q.clips));
    let sizes = |record: &Record| {
        let each = record.modalities.iter().map(|m| format!("{} of {}", m.length, m.vocab));
        each.collect::<Vec<_>>().join(", ")
    };
    findings.equal(FILE, "modalities", sizes(&p), sizes(&q));
    for file in p.files.iter().filter_map(|x| q.files.iter().find(|y| x.path == y.path).map(|y| (x, y))) {
        let told = findings.differences.iter().any(|d| d.file.starts_with(&file.0.path));
        if !told {
            findings.equal(FILE, &file.0.path, &file.0.sha256, &file.1.sha256);
        }
    }
    // What a finished run has, and neither of these: not only of one is it a difference.
    for (run, other, record) in [(a, b, &p), (b, a, &q)] {
        let [checkpoint, _] = halves(run, record.steps);
        let lasting = record.files.iter().map(|f| &f.path).chain([&checkpoint]);
        for path in lasting.filter(|path| !run.file(path).exists() && !other.file(path).exists()) {
            if !findings.differs(path) {
                findings.differences.push(Difference::of(path, MISSING, MISSING));
            }
        }
    }
    let by_key = |record: &Record| -> BTreeMap<String, Metric> {
        record.metrics.iter().map(|m| (m.key.clone(), m.clone())).collect()
    };
    let (x, y) = (by_key(&p), by_key(&q));
    findings.equal(FILE, "metrics of a key twice", p.metrics.len() - x.len(), q.metrics.len() - y.len());
    let differing = x.iter().filter_map(|(key, metric)| {
        let other = y.get(key)?;
        let said = |m: &Metric| format!("{:?} [{:?}, {:?}], n {}", m.value, m.low, m.high, m.n);
        (metric != other).then(|| Difference::of(FILE, said(metric), said(other)).column(key))
    });
    findings.first_of(differing.collect::<Vec<_>>());
    let keys = |metrics: &BTreeMap<String, Metric>| metrics.keys().cloned().collect::<BTreeSet<_>>();
    lacking(FILE, (&keys(&x), &keys(&y)), |only| counted(only.len(), "metric", &only.join(", ")), findings);
    Ok(())
}
