//! Which program a configuration is for: the classes it names.

use super::keys::Section;
use super::node::{shorten, Node};
use super::problems::Problems;
use super::settings::Setting;
use crate::fault::{Fault, Result};
use std::collections::BTreeMap;

/// The published model, and a descendant that is it while its switches are off.
const MODELS: [&str; 2] = ["FourM", "FourMUpgraded"];
const LOADER: &str = "create_multimodal_masked_dataloader";

/// A configuration that is put together from several files is only a part.
///
/// # Errors
/// Exit 2, with the key that says so.
pub fn is_whole(root: &BTreeMap<String, Node>) -> Result<()> {
    match root.get("defaults") {
        Some(files @ Node::List(_)) => Err(Fault::invalid(
            "only a part: it is put together from other files",
        )
        .at("defaults")
        .found(files.show())
        .help("write the whole configuration into one file (Hydra: --cfg job --resolve) and import that")),
        _ => Ok(()),
    }
}

/// The model that is configured is FourM.
///
/// # Errors
/// Exit 2: it is another one, by its name.
pub fn is_four_m(classes: &[Setting], problems: &Problems) -> Result<()> {
    for setting in classes {
        let path = setting.value.text().unwrap_or_default();
        let name = path.rsplit('.').next().unwrap_or_default();
        match setting.section {
            Section::Model if name == MODELS[0] => {}
            Section::Model if MODELS.contains(&name) => {
                problems.note(format!("`{}` is {name}: FourM, as long as its switches are off", setting.path))
            }
            Section::Model => return Err(another(setting, &path, name)),
            Section::Train | Section::Eval if name != LOADER => problems.note(format!(
                "`{}` is another loader, {}: its files are taken for those of {LOADER}",
                setting.path,
                shorten(name)
            )),
            _ => {}
        }
    }
    Ok(())
}

fn another(setting: &Setting, path: &str, name: &str) -> Fault {
    let fault = Fault::invalid(format!("this is a configuration of {}, not of FourM", shorten(name)))
        .at(setting.path.clone())
        .found(shorten(path))
        .expected("…FourM");
    if name.contains("FourM") {
        fault.help(format!(
            "a descendant of FourM whose changes are in its code; --ignore {} takes it for FourM knowingly",
            setting.path
        ))
    } else {
        fault.help("only the masked multimodal model of nano4M has a counterpart here")
    }
}
