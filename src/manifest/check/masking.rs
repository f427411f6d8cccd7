//! `masking`: ranges, ratios, concentrations and directions.

use super::bounds::{CONCENTRATION, SAMPLE};
use super::findings::{each, Findings};
use crate::manifest::diagnostic::Finding;
use crate::manifest::masking::{Direction, Masking, Ratio};
use crate::manifest::per_modality::PerModality;
use crate::modality::Modality;

/// Slack for sums of decimal fractions.
const ROUNDING: f64 = 1e-9;

/// Also used for the masking of the `CrossEntropy` probe.
pub fn masking(modalities: &[Modality], path: &str, m: &Masking, found: &mut Findings) {
    let at = |field: &str| format!("{path}.{field}");
    let total: usize = modalities.iter().map(|m| m.length).fold(0, usize::saturating_add);
    range(&at("input_tokens"), m.input_tokens, total, m.ratio.is_none(), found);
    range(&at("target_tokens"), m.target_tokens, total, m.ratio.is_none(), found);
    alphas(modalities, &at("input_alphas"), &m.input_alphas, found);
    alphas(modalities, &at("target_alphas"), &m.target_alphas, found);
    if let Some(r) = m.ratio {
        ratio(modalities, &at("ratio"), (m, r), found);
    }
    let directions = at("directions");
    for (i, d) in m.directions.iter().enumerate() {
        direction(modalities, &format!("{directions}[{i}]"), d, found);
    }
    let shares: f64 = m.directions.iter().map(|d| d.share).sum();
    found.require_number(&directions, shares, shares <= 1.0 + ROUNDING, "shares that sum to at most 1");
}

fn range(path: &str, (low, high): (usize, usize), total: usize, used: bool, found: &mut Findings) {
    found.require(low >= 1, path, low, "at least 1 token");
    found.at_most(path, high, SAMPLE);
    if low > high {
        found.push(
            Finding::error(path, format!("`{path}` is empty: its ends are swapped"))
                .found(format!("({low}, {high})"))
                .expected(format!("({high}, {low})")),
        );
    } else if used && total > 0 && high > total && high <= SAMPLE {
        let finding = Finding::error(path, format!("`{path}` asks for more tokens than a sample has"))
            .found(format!("({low}, {high})"))
            .expected(format!("at most {total}, the sum of the lengths"));
        if low > total {
            found.push(finding);
        } else {
            found.warn(finding.help("larger budgets are cut to what is there"));
        }
    }
}

fn alphas(modalities: &[Modality], path: &str, alphas: &PerModality, found: &mut Findings) {
    for (at, name, alpha) in each(path, alphas) {
        let expected = format!("0 (never) to {CONCENTRATION}");
        found.require_number(&at, alpha, (0.0..=CONCENTRATION).contains(&alpha), &expected);
        if let Some(name) = name {
            found.known_modality(modalities, &at, name);
        }
    }
    if !modalities.is_empty() && modalities.iter().all(|m| alphas.get(&m.name, 1.0) == 0.0) {
        found.push(
            Finding::error(path, format!("`{path}` is 0 for every modality"))
                .expected("at least one modality above 0"),
        );
    }
}

fn ratio(modalities: &[Modality], at: &str, (m, r): (&Masking, Ratio), found: &mut Findings) {
    for (field, share) in [("input", r.input), ("target", r.target)] {
        let path = format!("{at}.{field}");
        found.require_number(&path, share, share > 0.0 && share <= 1.0, "a share above 0, at most 1");
        let none = modalities.iter().all(|m| (share * m.length as f64) < 1.0);
        if share > 0.0 && none && !modalities.is_empty() {
            found.push(
                Finding::error(&path, format!("`{path}` leaves every modality without a token"))
                    .found(share)
                    .expected("at least 1 / length of the longest modality"),
            );
        }
    }
    let sum = r.input + r.target;
    found.require_number(at, sum, sum <= 1.0 + ROUNDING, "input + target of at most 1");
    let plain = Masking::default();
    if (m.input_tokens, m.target_tokens) != (plain.input_tokens, plain.target_tokens) {
        found.warn(
            Finding::error(at, format!("`{at}` replaces the token ranges"))
                .help("remove `input_tokens` and `target_tokens`, or the ratio"),
        );
    }
}

/// Also used for the `Directions` probe.
pub fn direction(modalities: &[Modality], path: &str, d: &Direction, found: &mut Findings) {
    for (field, names) in [("inputs", &d.inputs), ("targets", &d.targets)] {
        modality_list(modalities, &format!("{path}.{field}"), names, found);
    }
    for name in d.targets.iter().filter(|n| d.inputs.contains(n)) {
        found.push(
            Finding::error(format!("{path}.targets"), format!("`{name}` is both input and target"))
                .help("a direction gives whole modalities: the target would be known"),
        );
    }
    let share = format!("{path}.share");
    found.require_number(&share, d.share, (0.0..=1.0).contains(&d.share), "a share, 0 to 1");
}

/// A non-empty list of different, known modalities.
pub fn modality_list(modalities: &[Modality], path: &str, names: &[String], found: &mut Findings) {
    if names.is_empty() {
        found.push(Finding::error(path, format!("`{path}` is empty")).expected("at least one modality"));
    }
    for (i, name) in names.iter().enumerate() {
        let at = format!("{path}[{i}]");
        found.known_modality(modalities, &at, name);
        if names[..i].contains(name) {
            found.push(Finding::error(&at, format!("`{name}` is listed twice")));
        }
    }
}
