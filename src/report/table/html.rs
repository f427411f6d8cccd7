//! HTML of one table, for the page that shows everything.

use super::definition::Table;
use super::shown::{texts, Shown};

/// A `<table>` and its notes; `<b>` marks bold cells.
pub fn html(table: &Table) -> String {
    let Shown { headings, rows, right } = texts(table, |t| format!("\u{1}{t}"));
    let class = |i: usize| if right[i] { " class=\"n\"" } else { "" };
    let head = |(i, text): (usize, &String)| format!("<th{}>{}</th>", class(i), escape(text));
    let heads: String = headings.iter().enumerate().map(head).collect();
    let cell = |(i, text): (usize, &String)| {
        let class = class(i);
        match text.strip_prefix('\u{1}') {
            Some(bold) => format!("<td{class}><b>{}</b></td>", escape(bold)),
            None => format!("<td{class}>{}</td>", escape(text)),
        }
    };
    let line =
        |row: &Vec<String>| format!("<tr>{}</tr>\n", row.iter().enumerate().map(cell).collect::<String>());
    let body: String = rows.iter().map(line).collect();
    let notes: String = table.notes.iter().map(|n| format!("<li>{}</li>\n", escape(n))).collect();
    format!("<div class=\"t\"><table>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{body}</tbody></table></div>\n<ul class=\"notes\">\n{notes}</ul>\n")
}

/// Text inside an element or a quoted attribute.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
