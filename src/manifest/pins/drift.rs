//! Pins held against what is here.

use crate::fault::Fault;
use crate::manifest::identity::bare;
use crate::manifest::schema::Experiment;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What is here now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Current<'a> {
    /// Code hash of the program.
    pub code: &'a str,
    /// Where that code was committed, if it was.
    pub commit: Option<&'a str>,
    /// Content hash of the dataset, when it was read.
    pub data: Option<&'a str>,
}

/// A pin that does not match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// Path of the pin, e.g. `pins.code`.
    pub pin: String,
    /// What the manifest says.
    pub expected: String,
    pub found: String,
    /// How to get back to what the manifest says, when that is known.
    pub back: Option<String>,
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} expected {}, found {}", self.pin, self.expected, self.found)
    }
}

/// The pins of `experiment` that do not match what was found; empty when it may run.
///
/// The code hash decides about the code: with the same hash, another commit holds the same sources
/// (a rebase, a shallow clone) and is no drift. The commit is compared only without a code pin.
pub fn verify(experiment: &Experiment, found: &Current) -> Vec<Drift> {
    let pins = experiment.pins.clone().unwrap_or_default();
    let commit = pins.commit.as_deref();
    let mut drifts = Vec::new();
    match (&pins.code, commit, found.commit) {
        (Some(code), _, _) => {
            let back = commit.map(|c| format!("the pinned code is at commit {c}: `git checkout {c}`"));
            drifts.extend(drift("pins.code", code, &prefixed(found.code), back));
        }
        (None, Some(pinned), Some(here)) if !here.starts_with(pinned) => {
            let back = Some(format!("`git checkout {pinned}`"));
            drifts.extend(drift("pins.commit", pinned, here, back));
        }
        _ => {}
    }
    if let (Some(pinned), Some(here)) = (&experiment.data.sha256, found.data) {
        let back = experiment.data.obtain.clone().map(|o| format!("how to get the pinned data: {o}"));
        drifts.extend(drift("data.sha256", pinned, here, back));
    }
    drifts
}

fn drift(pin: &str, expected: &str, found: &str, back: Option<String>) -> Option<Drift> {
    (bare(expected) != bare(found)).then(|| Drift {
        pin: pin.into(),
        expected: expected.into(),
        found: found.into(),
        back,
    })
}

/// The refusal (exit 3) of a run whose pins do not match, with the two ways out.
pub fn refusal(file: &str, drifts: &[Drift]) -> Fault {
    let list = |part: fn(&Drift) -> &str| {
        let lines: Vec<String> = drifts.iter().map(|d| format!("{} {}", d.pin, part(d))).collect();
        lines.join(", ")
    };
    let mut help: Vec<String> = drifts.iter().filter_map(|d| d.back.clone()).collect();
    help.push(format!("`nano4m pin {file}` pins what is here"));
    help.push("`--allow-drift` runs anyway and marks the record and its tables".into());
    Fault::provenance("the manifest is pinned to something else")
        .at(file)
        .found(list(|d| &d.found))
        .expected(list(|d| &d.expected))
        .help(help.join("; "))
}

/// A code hash as pins write it.
pub fn prefixed(hash: &str) -> String {
    format!("sha256:{}", bare(hash))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::schema::Pins;
    use crate::manifest::testing::small;

    const CODE: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const DATA: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
    const HERE: Current = Current { code: CODE, commit: Some("c0ffee1"), data: Some(DATA) };

    fn pinned(code: Option<&str>, commit: Option<&str>, data: Option<&str>) -> Experiment {
        let mut e = small();
        e.pins = Some(Pins { code: code.map(Into::into), commit: commit.map(Into::into) });
        e.data.sha256 = data.map(Into::into);
        e
    }

    #[test]
    fn matching_or_missing_pins_do_not_drift() {
        let code = format!("sha256:{CODE}");
        for e in [
            small(),
            pinned(Some(&code), Some("c0ffee1"), Some(DATA)),
            pinned(Some(CODE), None, Some(&format!("sha256:{DATA}"))),
            // The same code under another commit.
            pinned(Some(&code), Some("badc0de"), None),
            pinned(None, Some("c0ffee"), None),
        ] {
            assert_eq!(verify(&e, &Current { commit: Some("c0ffee1"), ..HERE }), []);
        }
    }

    #[test]
    fn every_drift_is_listed_with_both_ways_out() {
        let mut e = pinned(Some("sha256:0"), Some("badc0de"), Some("1"));
        e.data.obtain = Some("ask Ada".into());
        let drifts = verify(&e, &HERE);
        assert_eq!(drifts.iter().map(|d| d.pin.as_str()).collect::<Vec<_>>(), ["pins.code", "data.sha256"]);
        let fault = refusal("x.ron", &drifts);
        assert_eq!(fault.exit, crate::fault::Exit::Provenance);
        assert_eq!(
            fault.to_string(),
            format!(
                "the manifest is pinned to something else\n        at: x.ron\n     \
                 found: pins.code sha256:{CODE}, data.sha256 {DATA}\n  \
                 expected: pins.code sha256:0, data.sha256 1\n      \
                 help: the pinned code is at commit badc0de: `git checkout badc0de`; \
                 how to get the pinned data: ask Ada; `nano4m pin x.ron` pins what is here; \
                 `--allow-drift` runs anyway and marks the record and its tables"
            )
        );
        assert_eq!(verify(&pinned(None, Some("badc0de"), None), &HERE)[0].pin, "pins.commit");
        assert_eq!(verify(&pinned(None, Some("badc0de"), None), &Current { commit: None, ..HERE }), []);
    }
}
