//! `nano4m compare A B` and `nano4m compare --ablation NAME`.

use super::args::{Compare, Global};
use super::{output, session, tables, Done};
use crate::fault::Result;
use crate::report::comparison::{self, ComparisonTables, Speed};
use crate::report::table;
use crate::stats::Bootstrap;
use serde_json::json;
use tabled::builder::Builder;

/// `nano4m compare`.
pub fn compare(args: &Compare, g: &Global) -> Result<Done> {
    let (runs, plan) = (session::runs_folder(g), Bootstrap::default());
    let compared = match (&args.ablation, &args.a, &args.b) {
        (Some(name), _, _) => comparison::ablation(&runs, &comparison::find(&runs, name)?, &plan)?,
        (None, Some(a), Some(b)) => comparison::pair(&runs, a, b, &plan)?,
        // clap requires both names or an ablation.
        _ => return Ok(Done::Fine),
    };
    print(&compared, args.speed, g)?;
    Ok(Done::Fine)
}

/// The tables of a comparison; with `speed` what each side trained at, marked as not reproducible.
pub fn print(compared: &ComparisonTables, speed: bool, g: &Global) -> Result<()> {
    if g.json {
        let tables: Vec<_> = compared.tables.iter().map(|(t, h)| table::json(t, h)).collect();
        return match speed {
            true => {
                output::json(&json!({ "tables": tables, "not_reproducible": { "speed": compared.speed } }))
            }
            false => output::json(&json!({ "tables": tables })),
        };
    }
    let mut texts: Vec<String> = compared.tables.iter().map(|(t, _)| table::terminal(t)).collect();
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
    let table = tables::style(builder, 1);
    format!("Training speed (not reproducible: median as recorded on the machines that ran)\n\n{table}\n")
}
