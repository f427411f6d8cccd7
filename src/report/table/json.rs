//! JSON of one table, for machines: numbers at full precision, what is absent is null.

use super::cell::Cell;
use super::definition::Table;
use super::header::Header;
use serde_json::{json, Map, Value};

/// `{table, schema, statistics, runs, rows: [{column: value}]}`; an estimate is
/// `{value, low, high, n}` and, without interval, `why`.
pub fn json(table: &Table, header: &Header) -> Value {
    let runs: Vec<&str> = header.origins.iter().map(|o| o.run.as_str()).collect();
    let row = |cells: &[Cell]| -> Value {
        let cells = table.columns.iter().zip(cells).map(|(c, cell)| (c.name.to_string(), value(cell)));
        Value::Object(cells.collect::<Map<_, _>>())
    };
    json!({
        "table": table.name,
        "schema": table.schema,
        "statistics": header.statistics,
        "runs": runs,
        "notes": table.notes,
        "rows": table.rows.iter().map(|r| row(&r.cells)).collect::<Vec<_>>(),
    })
}

fn value(cell: &Cell) -> Value {
    match cell {
        Cell::Text(t) => json!(t),
        Cell::Count(n) => json!(n),
        Cell::Number(v) | Cell::P(v) => json!(v),
        Cell::Estimate(e) => match e.interval {
            Ok(i) => json!({ "value": e.value, "low": i.low, "high": i.high, "n": e.n }),
            Err(why) => {
                json!({ "value": e.value, "low": null, "high": null, "n": e.n, "why": why.to_string() })
            }
        },
        Cell::Absent(why) => json!({ "value": null, "why": why.to_string() }),
        Cell::Empty => Value::Null,
    }
}
