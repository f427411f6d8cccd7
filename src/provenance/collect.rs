//! What produced a run: one segment for each start, collected when it begins.

use super::built::{built, Code};
use super::machine::{self, Machine};
use super::repository::{self, Repository};
use crate::fault::{Fault, Result};
use crate::manifest::pins::Drift;
use crate::manifest::schema::Seeds;
use crate::place::Card;
use crate::store::json::{self, Format};
use crate::store::last_line::{self, LastLine};
use crate::store::CellOf;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Version of `provenance.json`.
pub const SCHEMA: u32 = 2;
const FORMAT: Format = Format { what: "a run's provenance", short: "provenance", schema: SCHEMA, help: None };
/// As versions before wrote it: of the first start only.
const FORMERLY: Format = Format { schema: 1, ..FORMAT };

/// What produced a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    pub schema: u32,
    pub data: Data,
    pub seeds: Seeds,
    /// The cell of an ablation it was begun for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_for: Option<CellOf>,
    /// One for each start, never empty.
    pub segments: Vec<Segment>,
    /// The last line, while it is read.
    #[serde(default, skip_serializing)]
    digest: Option<String>,
}

/// What a stretch of a run was made with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// Steps that were done when it began.
    pub from_step: u64,
    /// RFC 3339.
    pub started: String,
    pub code: Code,
    /// Absent outside the source repository, and where it is as in the segment before.
    pub repository: Option<Repository>,
    pub machine: Machine,
    /// As the run names it, e.g. `cpu` or `cuda:0`.
    pub device: String,
    /// Which implementation of the operations ran; empty in segments of before this field.
    #[serde(default)]
    pub kernels: String,
    /// The GPU, its driver and libraries; absent on a CPU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<Card>,
    /// Worker threads; they never change a bit.
    pub threads: usize,
    /// Pins that did not match and were allowed (`--allow-drift`).
    pub drifts: Vec<Drift>,
    /// The file was changed by another hand after this segment was written: what it says may be wrong.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub changed: bool,
}

/// Schema 1.
#[derive(Deserialize)]
struct Former {
    code: Code,
    repository: Option<Repository>,
    data: Data,
    machine: Machine,
    device: String,
    threads: usize,
    seeds: Seeds,
    started: String,
    drifts: Vec<Drift>,
}

impl Provenance {
    /// Of a run that begins with `first`.
    pub fn new(data: Data, seeds: Seeds, made_for: Option<CellOf>, first: Segment) -> Provenance {
        Provenance { schema: SCHEMA, data, seeds, made_for, segments: vec![first], digest: None }
    }

    /// Reads `path` as it stands; [`as_written`](Provenance::as_written) says whether that is as it was written.
    ///
    /// # Errors
    /// If it is missing, is no provenance or has another version.
    pub fn read(path: &Path) -> Result<Provenance> {
        let bytes = crate::store::regular::read_own(path).map_err(|e| Fault::io("read", path, &e))?;
        let place = |fault: Fault| fault.at(path.display().to_string());
        if let Ok(Former { code, repository, data, machine, device, threads, seeds, started, drifts }) =
            FORMERLY.parse(&bytes)
        {
            let (from_step, kernels, changed) = (0, String::new(), false);
            let first = Segment {
                from_step,
                started,
                code,
                repository,
                machine,
                device,
                kernels,
                card: None,
                threads,
                drifts,
                changed,
            };
            return Ok(Provenance::new(data, seeds, None, first));
        }
        let read: Provenance = FORMAT.parse(&bytes).map_err(place)?;
        if read.segments.is_empty() {
            return Err(place(Fault::failed("not a run's provenance: no segment")));
        }
        Ok(read)
    }

    /// Whether the file is as it was written; one of schema 1 cannot say, and is believed.
    pub fn as_written(path: &Path) -> bool {
        let bytes = crate::store::regular::read_own(path).unwrap_or_default();
        last_line::check(&bytes) == LastLine::Holds || FORMERLY.parse::<Former>(&bytes).is_ok()
    }

    /// Its file.
    ///
    /// # Errors
    /// If it cannot be formatted.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        Ok(last_line::add(json::pretty(self)?))
    }

    /// What the run was begun with.
    pub fn first(&self) -> &Segment {
        &self.segments[0]
    }

    /// Of which starts anything is left: no later one began where they had, or before.
    pub fn left(&self) -> Vec<bool> {
        let mut next = None;
        let mut left: Vec<bool> = Vec::with_capacity(self.segments.len());
        for segment in self.segments.iter().rev() {
            let before = next.is_none_or(|next| segment.from_step < next);
            next = if before { Some(segment.from_step) } else { next };
            left.push(before);
        }
        left.reverse();
        left
    }

    /// The starts of which anything is left.
    pub fn kept(&self) -> Vec<&Segment> {
        self.segments.iter().zip(self.left()).filter_map(|(segment, left)| left.then_some(segment)).collect()
    }

    /// What it was worked on with last.
    pub fn last(&self) -> &Segment {
        &self.segments[self.segments.len() - 1]
    }
}

impl Segment {
    /// What can move last bits and is not as in `before`: what it is, there, here.
    pub fn moved_from(&self, before: &Segment) -> Vec<(&'static str, String, String)> {
        let of = |s: &Segment| {
            [
                ("class of machine", s.machine.class.clone()),
                ("device", s.device.clone()),
                ("kernels", s.kernels.clone()),
                ("card", s.card.as_ref().map_or_else(String::new, Card::to_string)),
                ("code", s.code.hash.clone()),
            ]
        };
        let pairs = of(before).into_iter().zip(of(self));
        let told = pairs.filter(|((_, there), (_, here))| there != here && !there.is_empty());
        told.map(|((what, there), (_, here))| (what, there, here)).collect()
    }
}

/// The tokens a run was computed from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Data {
    /// As given in the manifest; absent for synthetic data.
    pub path: Option<String>,
    /// Hash of the canonical content.
    pub sha256: String,
}

/// What only the caller knows.
#[derive(Clone, Debug, PartialEq)]
pub struct Situation<'a> {
    /// Working directory, then the manifest's folder.
    pub directories: [&'a Path; 2],
    pub device: String,
    pub kernels: String,
    pub card: Option<Card>,
    pub threads: usize,
    /// Steps done.
    pub from_step: u64,
    /// RFC 3339.
    pub started: String,
    pub drifts: Vec<Drift>,
}

/// Everything that can be known about where a result comes from, of a start that begins now, and why the state
/// of the repository is not among it.
pub fn collect(situation: Situation) -> (Segment, Option<repository::Unreadable>) {
    let Situation { directories, device, kernels, card, threads, from_step, started, drifts } = situation;
    let (repository, unreadable) = match repository::repository(&directories) {
        Ok(repository) => (repository, None),
        Err(why) => (None, Some(why)),
    };
    let segment = Segment {
        from_step,
        started,
        code: built(),
        repository,
        machine: machine::machine(),
        device,
        kernels,
        card,
        threads,
        drifts,
        changed: false,
    };
    (segment, unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(folder: &Path) -> Provenance {
        let (first, _) = collect(Situation {
            directories: [folder, folder],
            device: "cpu".into(),
            kernels: "fused".into(),
            card: None,
            threads: 2,
            from_step: 0,
            started: "2025-01-01T00:00:00Z".into(),
            drifts: Vec::new(),
        });
        let data = Data { path: Some("x.tar".into()), sha256: "0".repeat(64) };
        Provenance::new(data, Seeds { init: u64::MAX, ..Seeds::default() }, None, first)
    }

    #[test]
    fn provenance_survives_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let mut found = found(folder.path());
        assert_eq!(found.first().code.packages["dfdx"], "0.13.0");
        assert_eq!(found.first().repository, None);
        let path = folder.path().join("provenance.json");
        let again = Segment { from_step: 7, threads: 3, ..found.first().clone() };
        found.segments.push(again);
        std::fs::write(&path, found.to_json().unwrap()).unwrap();
        assert!(Provenance::as_written(&path));
        let read = Provenance::read(&path).unwrap();
        assert_eq!((&read.segments, &read.seeds, read.last().from_step), (&found.segments, &found.seeds, 7));

        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace("\"threads\": 3", "\"threads\": 4")).unwrap();
        assert!(!Provenance::as_written(&path) && Provenance::read(&path).unwrap().last().threads == 4);
        std::fs::write(&path, text.replace("\"schema\": 2", "\"schema\": 9")).unwrap();
        let fault = Provenance::read(&path).unwrap_err();
        assert_eq!(fault.what, "a run's provenance of another version of nano4m");
        assert_eq!(fault.found.as_deref(), Some("provenance schema 9"));
    }

    /// A start that failed before it made a step has no part in the result.
    #[test]
    fn a_start_of_which_nothing_is_left_is_none_of_the_kept() {
        let folder = tempfile::tempdir().unwrap();
        let mut provenance = found(folder.path());
        let first = provenance.first().clone();
        let starts = [(0, "cuda:0"), (0, "cpu"), (20, "cuda:1"), (10, "cpu"), (10, "cpu")];
        provenance.segments = starts
            .map(|(from_step, device)| Segment { from_step, device: device.into(), ..first.clone() })
            .to_vec();
        assert_eq!(provenance.left(), [false, true, false, false, true]);
        let kept = provenance.kept();
        assert!(kept[1].moved_from(kept[0]).is_empty());
    }

    /// Schema 1 knew one start and no digest.
    #[test]
    fn the_provenance_of_a_run_of_before_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("provenance.json");
        let now = found(folder.path());
        let mut former = serde_json::to_value(now.first()).unwrap();
        let fields = former.as_object_mut().unwrap();
        for new in ["from_step", "kernels"] {
            fields.remove(new).unwrap();
        }
        fields.insert("schema".into(), 1.into());
        fields.insert("data".into(), serde_json::to_value(&now.data).unwrap());
        fields.insert("seeds".into(), serde_json::to_value(now.seeds).unwrap());
        std::fs::write(&path, former.to_string()).unwrap();
        assert!(Provenance::as_written(&path));
        let read = Provenance::read(&path).unwrap();
        assert_eq!((&read.first().machine, &read.data), (&now.first().machine, &now.data));
        assert!(
            now.first().moved_from(read.first()).is_empty(),
            "what was not written down is not held against it"
        );
    }

    #[test]
    fn what_can_move_a_bit_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let before = found(folder.path()).first().clone();
        let mut after = Segment { threads: 9, started: "later".into(), ..before.clone() };
        assert!(after.moved_from(&before).is_empty(), "threads and times move nothing");
        let card = |driver: &str| Card {
            name: "X".into(),
            capability: (9, 0),
            memory: 1,
            driver: driver.into(),
            cublas: "13.0.2".into(),
            nvrtc: "13.0".into(),
        };
        let on = |driver| Segment { card: Some(card(driver)), ..before.clone() };
        assert_eq!(on("13.1").moved_from(&on("13.0"))[0].0, "card");
        assert!(on("13.1").moved_from(&on("13.1")).is_empty());
        after.machine.class = "x86_64 sse2".into();
        after.device = "cuda:0".into();
        let told: Vec<&str> = after.moved_from(&before).into_iter().map(|(what, ..)| what).collect();
        assert_eq!(told, ["class of machine", "device"]);
    }
}
