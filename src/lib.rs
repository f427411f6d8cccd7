//! nano4m: reproducible experiments for masked multimodal training.
//!
//! One run is one call. What the command `nano4m run` does, from Rust:
//!
//! ```
//! use nano4m::{Ended, Session, Settings, Silent};
//!
//! fn main() -> nano4m::Result<()> {
//!     let folder = tempfile::tempdir().expect("a temporary folder");
//!     let now = || "2026-01-01T00:00:00Z".to_string();
//!     let mut settings = Settings::new(folder.path().join("runs"), folder.path().join("cache"), now);
//!     // Two steps of a smaller experiment; on the command line `--set train.batch=8` and so on.
//!     settings.overrides = [
//!         "data.synthetic.clips=(16, 8, 8)",
//!         "train.batch=8",
//!         "train.tokens=2048",
//!         "train.warmup_tokens=1024",
//!         "probes=[CrossEntropy(masks: 1)]",
//!     ]
//!     .map(String::from)
//!     .to_vec();
//!
//!     let session = Session::open("experiments/synthetic.ron", &settings)?;
//!     for warning in &session.warnings {
//!         eprintln!("{warning}");
//!     }
//!     match nano4m::run(&session, &settings, &mut Silent)? {
//!         Ended::Finished(record) => {
//!             let rgb = record.metric("cross_entropy/tok_rgb@64").expect("the probe was asked for");
//!             println!("{:.4} nats per token over {} clips", rgb.value.expect("it has targets"), rgb.n);
//!             assert_eq!((record.steps, rgb.n), (2, 8));
//!         }
//!         Ended::Stopped { step, why } => println!("{why} at step {step}"),
//!     }
//!     Ok(())
//! }
//! ```
//!
//! A run that was stopped goes on, in this process or another, and ends with the same bits; the probes
//! measure any checkpoint:
//!
//! ```
//! use nano4m::{evaluate, Ended, Limits, Session, Settings, Silent};
//!
//! # fn main() -> nano4m::Result<()> {
//! # let folder = tempfile::tempdir().expect("a temporary folder");
//! # let now = || "2026-01-01T00:00:00Z".to_string();
//! # let mut settings = Settings::new(folder.path().join("runs"), folder.path().join("cache"), now);
//! # settings.overrides = [
//! #     "data.synthetic.clips=(16, 8, 8)",
//! #     "train.batch=8",
//! #     "train.tokens=2048",
//! #     "train.warmup_tokens=1024",
//! #     "probes=[CrossEntropy(masks: 1)]",
//! # ]
//! # .map(String::from)
//! # .to_vec();
//! let session = Session::open("experiments/synthetic.ron", &settings)?;
//! let one_step = Settings { limits: Limits { stop_after: Some(1), ..Limits::default() }, ..settings.clone() };
//! let ended = nano4m::run(&session, &one_step, &mut Silent)?;
//! assert!(matches!(ended, Ended::Stopped { step: 1, .. }));
//!
//! let run = nano4m::find(&settings.runs, "latest")?;
//! let Ended::Finished(record) = nano4m::resume(&run, &settings, &mut Silent)? else {
//!     unreachable!("no limit was set");
//! };
//! let last = run.checkpoint(record.steps);
//! let measured = evaluate::checkpoint(&session, &last, None, &settings, &mut Silent)?;
//! for (again, before) in measured.iter().zip(&record.metrics) {
//!     let digits = |value: Option<f64>| value.map(|value| format!("{value:.10}"));
//!     assert_eq!((&again.key, digits(again.value)), (&before.key, digits(before.value)));
//! }
//! assert_eq!(measured.len(), record.metrics.len());
//! # Ok(())
//! # }
//! ```
//!
//! A progress bar, a signal that stops the run, a clock: implement [`Observer`]. What a run leaves on disk
//! is in [`store`], what a record says in [`record`], tables of many runs are made by [`report`].
//!
//! Nothing outside [`cli`] prints, exits or reads the environment. The time comes in as a value
//! ([`Settings`]' `now`, [`Observer::seconds`]); three files ask for it themselves, none for a result:
//! `store/lock.rs` how old a lock is, `ablation/local.rs` how long to wait between two looks at its
//! processes, `ablation/forecast.rs` how fast this machine is. `tests/house` knows them by name.
//!
//! Floors, top first; a module imports only from floors below its own:
//! ```text
//! cli
//! ablation
//! runner
//! report · interop
//! probes · verify
//! train · decode
//! data · model · masking · provenance · record
//! architecture
//! manifest
//! metrics
//! ops
//! store
//! stats
//! observer · batch · modality · place
//! suggest
//! rng · digest · fault
//! ```

pub mod ablation;
pub mod architecture;
pub mod batch;
pub mod cli;
pub mod data;
pub mod decode;
pub mod digest;
pub mod fault;
pub mod interop;
pub mod manifest;
pub mod masking;
pub mod metrics;
pub mod modality;
pub mod model;
pub mod observer;
pub mod ops;
pub mod place;
pub mod probes;
pub mod provenance;
pub mod record;
pub mod report;
pub mod rng;
pub mod runner;
pub mod stats;
pub mod store;
pub mod suggest;
pub mod train;
pub mod verify;

pub use fault::{Exit, Fault, Result};
pub use observer::{Observer, Progress, Silent, Stop, ValidationScore};
pub use place::{Device, Kernels, Place, Precision};
pub use record::Record;
pub use runner::{evaluate, resume, run, Ended, Limits, Session, Settings};
pub use store::{find, CellOf, RunDir};

#[cfg(test)]
mod tests {
    /// The program of this file's doc comment, without its comment signs.
    fn program() -> String {
        let doc = include_str!("lib.rs").lines().filter_map(|line| line.strip_prefix("//!"));
        let code = doc.map(|line| line.strip_prefix(' ').unwrap_or(line)).skip_while(|line| *line != "```");
        code.skip(1).take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect()
    }

    /// The names of each floor, top first, as a line of the list above has them.
    fn floors() -> Vec<&'static str> {
        let doc = include_str!("lib.rs").lines().filter_map(|line| line.strip_prefix("//! "));
        doc.skip_while(|line| *line != "```text").skip(1).take_while(|line| *line != "```").collect()
    }

    #[test]
    fn the_readme_has_a_row_for_each_floor() {
        let readme = include_str!("../README.md");
        let house = readme.split("\n## ").find(|part| part.starts_with("The house")).unwrap();
        let rows = house.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
        let rows = rows.take_while(|line| line.starts_with('|'));
        let first = rows.map(|row| row.split('|').nth(1).unwrap().trim().replace('`', ""));
        assert_eq!(first.collect::<Vec<_>>(), floors());
        assert_eq!(floors()[0], "cli");
    }

    #[test]
    fn the_readme_shows_the_program_that_is_tested_here() {
        let readme = include_str!("../README.md");
        assert!(readme.contains(&format!("```rust\n{}```\n", program())), "{}", program());
    }
}
