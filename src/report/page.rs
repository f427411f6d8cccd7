//! `index.html`: every table and plot on one page that needs no server and no network.
//!
//! The page is a list of articles: one for the runs, one for each ablation. An article is written anew
//! when its tables are; the others are taken over from the page that is there, so that an ablation can
//! put itself on a page whose other runs are long gone.

use super::plots::Plot;
use super::table::{escape, html, Header, Origin, Table};

const STYLE: &str = "\
:root{color-scheme:light dark;--line:#8884}\
body{font:15px/1.5 system-ui,sans-serif;max-width:104rem;margin:2rem auto;padding:0 1rem}\
nav a{margin-right:1rem;white-space:nowrap}\
article{margin-top:4rem;border-top:3px solid var(--line)}\
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

/// Name of the article of the runs outside ablations.
pub const RUNS: &str = "runs";

/// One part of the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Article {
    /// [`RUNS`], or the first table of an ablation; unique.
    pub name: String,
    html: String,
}

impl Article {
    /// Tables, their plots and the runs they were made from.
    pub fn new(name: &str, tables: &[(Table, Header)], plots: &[Plot]) -> Article {
        let link = |t: &Table| format!("<a href=\"#{0}\">{0}</a>\n", t.name);
        let nav: String = tables.iter().map(|(t, _)| link(t)).collect();
        let sections: String = tables.iter().map(|(t, _)| section(t)).collect();
        let figures: String = plots.iter().map(figure).collect();
        let origins: String = tables.first().map_or(&[][..], |t| &t.1.origins).iter().map(origin).collect();
        let html = format!(
            "<article id=\"article_{name}\">\n<h1>{name}</h1>\n<nav>{nav}<a href=\"#plots_{name}\">plots</a></nav>\n\
             {sections}<h2 id=\"plots_{name}\">Plots</h2>\n{figures}<h2>Made from</h2>\n\
             <ul class=\"origin\">\n{origins}</ul>\n</article>\n"
        );
        Article { name: name.into(), html }
    }
}

/// The page `old` with `new` articles in the place of those of the same name; of the others those
/// that `keep` says. The runs come first, ablations by name.
pub fn page(old: Option<&str>, new: Vec<Article>, keep: impl Fn(&str) -> bool) -> String {
    let mut together: Vec<Article> = old.map(articles).unwrap_or_default();
    together.retain(|a| keep(&a.name) && new.iter().all(|n| n.name != a.name));
    together.extend(new);
    together.sort_by(|a, b| (a.name != RUNS, &a.name).cmp(&(b.name != RUNS, &b.name)));
    let nav: String =
        together.iter().map(|a| format!("<a href=\"#article_{0}\">{0}</a>\n", a.name)).collect();
    let body: String = together.iter().map(|a| format!("{}{}{}", begin(&a.name), a.html, END)).collect();
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>nano4m report</title>\n\
         <style>{STYLE}</style></head>\n<body>\n<h1>nano4m report</h1>\n<nav>{nav}</nav>\n{body}</body>\n</html>\n"
    )
}

const BEGIN: &str = "<!-- article ";
const END: &str = "<!-- end of article -->\n";

fn begin(name: &str) -> String {
    format!("{BEGIN}{name} -->\n")
}

/// The articles of a page, read back by the comments around them.
fn articles(page: &str) -> Vec<Article> {
    let article = |part: &str| {
        let (name, rest) = part.split_once(" -->\n")?;
        let (html, _) = rest.split_once(END)?;
        Some(Article { name: name.into(), html: html.into() })
    };
    page.split(BEGIN).skip(1).filter_map(article).collect()
}

/// Names of the articles on a page.
pub fn names(page: &str) -> Vec<String> {
    articles(page).into_iter().map(|article| article.name).collect()
}

fn figure(plot: &Plot) -> String {
    let (name, caption) = (escape(&plot.name), escape(&plot.caption));
    format!("<figure id=\"{name}\">{}<figcaption>{caption}</figcaption></figure>\n", plot.svg)
}

fn section(table: &Table) -> String {
    format!("<h2 id=\"{}\">{}</h2>\n{}", table.name, escape(&table.title), html(table))
}

fn origin(o: &Origin) -> String {
    let drift = if o.drift == "none" { String::new() } else { format!(" · drift allowed: {}", o.drift) };
    let text = format!(
        "{} · seeds {} · code {} · data {} · manifest {}{drift}",
        o.run, o.seeds, o.code, o.data, o.manifest
    );
    format!("<li>{}</li>\n", escape(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn article(name: &str, text: &str) -> Article {
        Article { html: format!("<p>{text}</p>\n"), ..Article::new(name, &[], &[]) }
    }

    #[test]
    fn an_article_replaces_its_own_and_leaves_the_others() {
        let first = page(None, vec![article("ablation_b", "1"), article(RUNS, "2")], |_| true);
        let again =
            page(Some(&first), vec![article("ablation_a", "3"), article("ablation_b", "4")], |_| true);
        let found: Vec<_> = articles(&again).into_iter().map(|a| (a.name, a.html)).collect();
        let expected = [(RUNS, "<p>2</p>\n"), ("ablation_a", "<p>3</p>\n"), ("ablation_b", "<p>4</p>\n")];
        assert_eq!(found, expected.map(|(n, h)| (n.to_string(), h.to_string())));
        assert_eq!(page(Some(&again), vec![], |_| true), again);
        assert!(!page(Some(&again), vec![], |name| name != "ablation_a").contains("article_ablation_a"));
    }

    #[test]
    fn a_page_of_another_kind_gives_nothing() {
        assert_eq!(articles("<html><body>hello</body></html>"), []);
    }
}
