//! Opening a dataset: from the cache when the source has not changed, else read, checked and packed.

use super::cache::{Cache, Found};
use super::check::{self, Group};
use super::entry::Seen;
use super::intake::Intake;
use super::labels;
use super::layout::Layout;
use super::sink::Sink;
use super::source::Source;
use super::store::{Mapped, Writer, VERSION};
use crate::data::contents::{Clip, Contents};
use crate::data::dataset::Dataset;
use crate::data::part::Part;
use crate::data::split::Storage;
use crate::data::text::{self, Vocabulary, Words};
use crate::data::{content, synthetic};
use crate::digest::Hasher;
use crate::fault::{Fault, Result};
use crate::manifest::schema::Data;
use crate::modality::{Modality, Text};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

impl Dataset {
    /// Makes `data.synthetic`, or opens `data.path` (relative to the working directory, else to `base`,
    /// the manifest's folder). The packed tokens of a path live under `cache` and are built when they
    /// are absent, damaged or older than the source; where the cache cannot be written they stay in memory.
    ///
    /// Errors: a missing path is a provenance fault (exit 3) with `data.obtain` as help; whatever is
    /// wrong with the content is invalid (exit 2), all problems at once.
    pub fn open(data: &Data, modalities: &[Modality], base: &Path, cache: &Path) -> Result<Dataset> {
        if let (Some(spec), None) = (&data.synthetic, &data.path) {
            return synthetic::generate(spec, modalities)?.first_rows(data.rows);
        }
        let path = locate(data, base)?;
        let layout = Layout::new(data, modalities)?;
        let source = Source::open(&path, &layout.splits)?;
        let reading =
            Reading { source: &source, layout: &layout, modalities, cache: Cache { folder: cache } };
        let (contents, storage, notes) = reading.contents()?;
        Dataset::assemble(modalities, contents, storage, notes).first_rows(data.rows)
    }
}

/// The dataset's file or folder.
fn locate(data: &Data, base: &Path) -> Result<PathBuf> {
    let (Some(path), None) = (&data.path, &data.synthetic) else {
        return Err(Fault::invalid("the manifest must name one source of data")
            .at("data")
            .found(if data.path.is_some() {
                "`path` and `synthetic`"
            } else {
                "neither `path` nor `synthetic`"
            })
            .expected("exactly one of `path` and `synthetic`")
            .help("remove or add one of the two"));
    };
    let beside = base.join(path);
    let found = [PathBuf::from(path), beside].into_iter().find(|p| p.exists());
    found.ok_or_else(|| {
        let obtain = data.obtain.clone();
        Fault::provenance("the dataset is missing")
            .at(path.clone())
            .found("no such file or folder, here or beside the manifest")
            .help(obtain.unwrap_or_else(|| "correct `data.path`, or put the dataset there".into()))
    })
}

/// What is read, how, and where the result is kept.
struct Reading<'a> {
    source: &'a Source,
    layout: &'a Layout,
    modalities: &'a [Modality],
    cache: Cache<'a>,
}

/// What ended the packing of a dataset.
enum Failure {
    /// The folder of the cache: the dataset can still be read.
    Cache(Fault),
    Data(Fault),
}

impl Reading<'_> {
    /// From the cache, else from the source; with what is worth a line about the cache.
    fn contents(&self) -> Result<(Contents, Storage, Vec<String>)> {
        let fingerprint = self.fingerprint()?;
        let mut notes = Vec::new();
        match self.cache.load(&fingerprint, &self.form()) {
            Found::Store(contents, tokens) => return Ok((contents, Storage::Mapped(tokens), notes)),
            Found::Nothing => {}
            Found::Wrong(path, why) => {
                notes.push(format!("note: {}: {why}; the dataset was packed again", path.display()));
            }
        }
        match self.pack(&fingerprint) {
            Ok((contents, tokens)) => Ok((contents, Storage::Mapped(tokens), notes)),
            Err(Failure::Data(fault)) => Err(fault),
            Err(Failure::Cache(fault)) => {
                notes.push(format!(
                    "note: {} ({}): the tokens are kept in memory, and packed again next time; set NANO4M_CACHE \
                     to a folder that can be written",
                    fault.what,
                    fault.place.as_deref().unwrap_or_default()
                ));
                let mut tokens = Sink::Memory(Vec::new());
                let contents = self.read(&mut tokens, &fingerprint)?;
                match tokens {
                    Sink::Memory(tokens) => Ok((contents, Storage::Owned(tokens), notes)),
                    Sink::Cache { .. } => Err(fault),
                }
            }
        }
    }

    /// Into the cache.
    fn pack(&self, fingerprint: &str) -> std::result::Result<(Contents, Mapped), Failure> {
        let mut sink = Sink::cache(Writer::new(self.cache.folder).map_err(Failure::Cache)?);
        let read = self.read(&mut sink, fingerprint);
        match (read, sink) {
            (Ok(contents), Sink::Cache { writer, .. }) => {
                self.cache.keep(fingerprint, &self.form(), writer, &contents).map_err(Failure::Cache)
            }
            (Err(fault), Sink::Cache { failed: true, .. }) => Err(Failure::Cache(fault)),
            (Err(fault), _) => Err(Failure::Data(fault)),
            (Ok(_), Sink::Memory(_)) => Err(Failure::Data(Fault::failed("the dataset went elsewhere"))),
        }
    }

    /// Reads and checks the source; tokens go into the sink.
    fn read(&self, sink: &mut Sink, fingerprint: &str) -> Result<Contents> {
        let mut intake = Intake::new(self.layout, self.modalities);
        let bound = |path: &str| self.layout.bound(path);
        let seen = self.source.read(&bound, &mut |batch| intake.take(batch, sink))?;
        let contents = describe(intake, &seen, sink, &self.source.place())?;
        if self.fingerprint()? != fingerprint {
            return Err(Fault::failed("the dataset changed while it was read")
                .at(self.source.place())
                .help("wait until it is complete, then run the same command again"));
        }
        Ok(contents)
    }

    /// Key of the source as it is now, read in this form.
    fn fingerprint(&self) -> Result<String> {
        let bound = |path: &str| self.layout.bound(path);
        let mut h = Hasher::new("nano4m.data.key.v1");
        h.field(self.form().as_bytes()).field(self.source.fingerprint(&bound)?.as_bytes());
        Ok(h.finish_hex())
    }

    /// Everything of a manifest that shapes the store, as text.
    fn form(&self) -> String {
        let modalities: Vec<_> =
            self.modalities.iter().map(|m| (&m.name, m.length, m.vocab, m.text)).collect();
        let stored: Vec<usize> = self.layout.folders.iter().map(|f| f.stored).collect();
        format!("{:?}", (VERSION, &self.layout.splits, &self.layout.labels, modalities, stored))
    }
}

/// Checks everything, then describes it; caption tokens are appended to the store.
fn describe(mut intake: Intake, seen: &Seen, sink: &mut Sink, place: &str) -> Result<Contents> {
    let groups = check::groups(&mut intake, seen);
    let labels = read_labels(&mut intake, &groups);
    let Intake { layout, modalities, problems, mut items, .. } = intake;
    problems.into_result(place)?;
    if layout.labels.is_some() {
        items.extend(groups.iter().map(|g| content::label(g.part, &g.stem, &labels[&g.stem])));
    }
    let words = word_lists(&groups, layout, modalities);
    let vocabularies = text::vocabularies(modalities, words.clone());
    for (m, v) in modalities.iter().zip(&vocabularies) {
        v.as_deref().map_or(Ok(()), |v| text::check_size(m, v))?;
    }
    let mut parts: [Vec<Clip>; 3] = Default::default();
    for group in groups {
        let label = labels.get(&group.stem).cloned();
        parts[group.part as usize].push(clip(group, label, layout, modalities, &vocabularies, sink)?);
    }
    Ok(Contents { hash: content::dataset(items), parts, words })
}

/// Labels from the file, when the manifest names one; what it lacks is added to the problems.
fn read_labels(intake: &mut Intake, groups: &[Group]) -> BTreeMap<String, String> {
    let Some((file, column)) = &intake.layout.labels else { return BTreeMap::new() };
    let Some(bytes) = intake.labels.take() else {
        let fault = Fault::invalid("missing labels file").at(file);
        intake
            .problems
            .push(fault.help("correct `data.labels`, or put the file into the dataset's root folder"));
        return BTreeMap::new();
    };
    let labels = match labels::parse(&bytes, file, column) {
        Ok(labels) => labels,
        Err(fault) => {
            intake.problems.push(fault);
            return BTreeMap::new();
        }
    };
    for g in groups.iter().filter(|g| labels.get(&g.stem).is_none_or(|l| text::is_blank(l))) {
        let fault = Fault::invalid("the labels file lacks a clip").at(file);
        let fault = fault.found(format!("no `{column}` for {}", g.stem)).expected("a line for every stem");
        intake.problems.push(fault.help("add the line, or remove the clip"));
    }
    labels
}

/// The word list of each modality with a `Words` vocabulary, from all rows of the training clips.
fn word_lists(groups: &[Group], layout: &Layout, modalities: &[Modality]) -> Vec<Option<Vec<String>>> {
    let train = || groups.iter().filter(|g| g.part == Part::Train);
    let list = |(i, m): (usize, &Modality)| {
        let folder = layout.folders.iter().position(|f| f.modality == Some(i))?;
        let captions = train().filter_map(|g| g.files[folder].as_ref()).flat_map(|r| &r.captions);
        (m.text == Some(Text::Words)).then(|| Words::collect(captions.map(String::as_str)).list().to_vec())
    };
    modalities.iter().enumerate().map(list).collect()
}

fn clip(
    group: Group,
    label: Option<String>,
    layout: &Layout,
    modalities: &[Modality],
    vocabularies: &[Option<Box<dyn Vocabulary>>],
    sink: &mut Sink,
) -> Result<Clip> {
    let mut clip =
        Clip { stem: group.stem, label: String::new(), rows: 0, captions: Vec::new(), offsets: Vec::new() };
    let caption_folder = layout.caption_folder();
    for (i, record) in group.files.into_iter().enumerate() {
        let Some(record) = record else { continue };
        clip.rows = record.rows.unwrap_or(0);
        if let Some(m) = layout.folders[i].modality {
            clip.offsets.push(match &vocabularies[m] {
                None => record.offset,
                Some(v) => {
                    let encode = |c: &String| v.encode(c, modalities[m].length);
                    sink.append(&record.captions.iter().flat_map(encode).collect::<Vec<_>>())?
                }
            });
        }
        if caption_folder == Some(i) {
            clip.captions = record.captions;
        }
    }
    let label = label.or_else(|| clip.captions.first().cloned()).unwrap_or_default();
    clip.label = text::class_name(&label);
    Ok(clip)
}
