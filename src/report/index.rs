//! `index.html`: every table and plot on one page that needs no server and no network.

use super::export::html;
use super::header::Origin;
use super::{Report, Table};

const STYLE: &str = "\
:root{color-scheme:light dark;--line:#8884}\
body{font:15px/1.5 system-ui,sans-serif;max-width:104rem;margin:2rem auto;padding:0 1rem}\
nav a{margin-right:1rem;white-space:nowrap}\
h2{margin-top:3rem;border-bottom:1px solid var(--line)}\
.t{overflow-x:auto}\
table{border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums}\
th,td{padding:.2rem .5rem;border-bottom:1px solid var(--line);text-align:left;white-space:nowrap}\
th.n,td.n{text-align:right}\
thead th{position:sticky;top:0;background:Canvas}\
ul.notes,.origin{color:GrayText;font-size:13px;overflow-wrap:anywhere}\
figure{display:inline-block;vertical-align:top;max-width:100%;margin:.5rem .5rem .5rem 0;background:#fff;\
border:1px solid var(--line);overflow-x:auto}\
figcaption{color:#444;font-size:13px;padding:.3rem .6rem;width:0;min-width:94%}";

/// The whole page.
pub fn page(report: &Report) -> String {
    let name = |t: &Table| format!("<a href=\"#{0}\">{0}</a>\n", t.name);
    let nav: String = report.tables.iter().map(|(t, _)| name(t)).collect();
    let sections: String = report.tables.iter().map(|(t, _)| section(t)).collect();
    let figure = |p: &super::Plot| {
        format!(
            "<figure id=\"{}\">{}<figcaption>{}</figcaption></figure>\n",
            html::escape(&p.name),
            p.svg,
            html::escape(&p.caption)
        )
    };
    let plots: String = report.plots.iter().map(figure).collect();
    let origins: String = report.tables[0].1.origins.iter().map(origin).collect();
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>nano4m report</title>\n\
         <style>{STYLE}</style></head>\n<body>\n<h1>nano4m report</h1>\n<nav>{nav}<a href=\"#plots\">plots</a></nav>\n\
         {sections}<h2 id=\"plots\">Plots</h2>\n{plots}<h2>Made from</h2>\n<ul class=\"origin\">\n{origins}</ul>\n\
         </body>\n</html>\n"
    )
}

fn section(table: &Table) -> String {
    format!("<h2 id=\"{}\">{}</h2>\n{}", table.name, html::escape(&table.title), html::html(table))
}

fn origin(o: &Origin) -> String {
    let drift = if o.drift == "none" { String::new() } else { format!(" · drift allowed: {}", o.drift) };
    let text = format!(
        "{} · seeds {} · code {} · data {} · manifest {}{drift}",
        o.run, o.seeds, o.code, o.data, o.manifest
    );
    format!("<li>{}</li>\n", html::escape(&text))
}
