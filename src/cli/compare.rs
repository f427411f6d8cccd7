//! `nano4m compare A B` and `nano4m compare --ablation NAME`.

use super::arguments::Global;
use super::done::Done;
use super::{environment, layout, output};
use crate::fault::Result;
use crate::report::comparison::{self, ComparisonTables, Speed};
use crate::report::{self, table};
use crate::stats::Bootstrap;
use serde_json::json;
use tabled::builder::Builder;

#[derive(clap::Args, Debug)]
#[command(
    override_usage = "nano4m compare [OPTIONS] <A> <B>\n       nano4m compare [OPTIONS] --ablation <NAME>"
)]
pub struct Args {
    /// An experiment with all its seeds (its name), or one run
    #[arg(value_name = "A", required_unless_present = "ablation", requires = "b")]
    pub a: Option<String>,
    /// What it is held against
    #[arg(value_name = "B")]
    pub b: Option<String>,
    /// The cells of an ablation that was run, instead
    #[arg(long, value_name = "NAME", conflicts_with = "a")]
    pub ablation: Option<String>,
    /// Also the training speed as recorded; it is never the same twice
    #[arg(long)]
    pub speed: bool,
}

/// `nano4m compare`.
pub fn compare(args: &Args, global: &Global) -> Result<Done> {
    let (runs, bootstrap) = (environment::runs_folder(global), Bootstrap::default());
    let compared = match (&args.ablation, &args.a, &args.b) {
        (Some(name), _, _) => comparison::ablation(&runs, &comparison::find(&runs, name)?, &bootstrap)?,
        (None, Some(a), Some(b)) => comparison::pair(&runs, a, b, &bootstrap)?,
        // clap requires both names or an ablation.
        _ => return Ok(Done::Fine),
    };
    print(&compared, args.speed, global)?;
    Ok(Done::Fine)
}

/// The tables of a comparison; with `speed` what each side trained at, marked as not reproducible.
pub fn print(compared: &ComparisonTables, speed: bool, global: &Global) -> Result<()> {
    report::left_out(&compared.left_out).iter().for_each(|line| output::note(line));
    if global.json {
        let tables: Vec<_> = compared.tables.iter().map(|(t, h)| table::json(t, h)).collect();
        return if speed {
            output::json(&json!({ "tables": tables, "not_reproducible": { "speed": compared.speed } }))
        } else {
            output::json(&json!({ "tables": tables }))
        };
    }
    let mut texts: Vec<String> =
        compared.tables.iter().map(|(t, _)| table::terminal(t, layout::width())).collect();
    if speed {
        texts.push(speeds(&compared.speed));
    }
    output::data(&texts.join("\n"))
}

fn speeds(speeds: &[Speed]) -> String {
    let mut builder = Builder::default();
    builder.push_record(["cell", "tokens/s", "steps"]);
    for s in speeds {
        let rate = s.tokens_per_s.map_or("–".into(), |r| format!("{r:.0}"));
        builder.push_record([s.label.clone(), rate, s.steps.to_string()]);
    }
    let table = layout::style(builder, 1);
    format!("Training speed (not reproducible: median as recorded on the machines that ran)\n\n{table}\n")
}
