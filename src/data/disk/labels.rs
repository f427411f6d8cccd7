//! Class labels from a CSV file inside the dataset.

use super::limits;
use crate::data::text::{class_key, into_composed};
use crate::fault::{Fault, Result};
use crate::store::regular;
use std::collections::BTreeMap;

/// Label of every stem in the file: column `column` by column `stem`.
pub fn parse(bytes: &[u8], file: &str, column: &str) -> Result<BTreeMap<String, String>> {
    let bad = |e: csv::Error| {
        let fault = Fault::invalid("cannot read the labels file").at(file).found(e);
        fault.help("save it as CSV in UTF-8, one line for each stem, with commas between the columns")
    };
    let text = regular::text(bytes.to_vec()).map_err(|fault| fault.at(file))?;
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().map_err(bad)?.clone();
    let find = |name: &str| {
        header.iter().position(|h| h.trim() == name).ok_or_else(|| {
            Fault::invalid(format!("the labels file lacks the column `{name}`"))
                .at(file)
                .found(header.iter().collect::<Vec<_>>().join(", "))
                .expected(format!("columns `stem` and `{column}`"))
                .help("name another column in `data.labels`, or add this one to the file")
        })
    };
    let (stem, label) = (find("stem")?, find(column)?);
    let mut labels = BTreeMap::new();
    for record in reader.records() {
        let record = record.map_err(bad)?;
        let line = record.position().map_or(0, csv::Position::line);
        let text = |column: usize| into_composed(record.get(column).unwrap_or_default().to_string());
        let (stem, label) = (text(stem), text(label));
        let longest = limits::caption(None);
        if let Some(long) = [&stem, &label].into_iter().find(|text| text.chars().count() > longest) {
            return Err(Fault::invalid("too long a stem or label")
                .at(file)
                .found(format!("{} characters in line {line}", long.chars().count()))
                .expected(format!("at most {longest}"))
                .help("a quote that is never closed makes one cell of many lines"));
        }
        let another = |other: &String| class_key(other) != class_key(&label);
        if let Some(other) = labels.insert(stem.clone(), label.clone()).filter(another) {
            return Err(Fault::invalid("two labels for one clip")
                .at(file)
                .found(format!("`{other}` and `{label}` for {stem}"))
                .expected("one line for each stem")
                .help("remove one of the lines"));
        }
    }
    Ok(labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_by_stem() {
        let labels = parse(b"stem,animal,group\ns1,\"cat, small\",x\ns2,dog,y\n", "l.csv", "animal").unwrap();
        assert_eq!(labels["s1"], "cat, small");
        assert_eq!(labels.len(), 2);
    }

    #[test]
    fn faults_have_names() {
        let what = |text: &str| parse(text.as_bytes(), "l.csv", "animal").unwrap_err();
        assert_eq!(what("stem,group\n").what, "the labels file lacks the column `animal`");
        assert_eq!(what("stem,group\n").found.unwrap(), "stem, group");
        assert_eq!(what("clip,animal\n").what, "the labels file lacks the column `stem`");
        assert_eq!(what("stem,animal\na,b\na,c\n").what, "two labels for one clip");
        let long = format!("stem,animal\na,{}\n", "x".repeat(5000));
        assert_eq!(what(&long).found.unwrap(), "5000 characters in line 2");
        assert_eq!(what("stem,animal\na\n").what, "cannot read the labels file");
        // A line in the file, not a record.
        let behind = format!("stem,animal\na,\"two\nlines\"\n\na,\"two lines\"\nb,{}\n", "x".repeat(5000));
        assert_eq!(what(&behind).found.unwrap(), "5000 characters in line 6");
    }
}
