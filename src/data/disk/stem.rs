//! What the stem of a file says about its clip.

/// Clip id of a stem: a published stem `(as|vgg)_{id}_{six digits}` without its start offset
/// (two stems may be cut from one video); any other stem is its own clip.
pub fn clip_id(stem: &str) -> &str {
    published(stem).map_or(stem, |(clip, _)| clip)
}

/// Source of a published stem (`as` or `vgg`); empty for any other.
pub fn clip_source(stem: &str) -> &str {
    published(stem).map_or("", |(_, source)| source)
}

/// `(clip id, source)` of a stem that matches `^(as|vgg)_(.+)_(\d{6})$`.
fn published(stem: &str) -> Option<(&str, &str)> {
    let (clip, offset) = stem.rsplit_once('_')?;
    let (source, id) = clip.split_once('_')?;
    let offset_is_six_digits = offset.len() == 6 && offset.bytes().all(|b| b.is_ascii_digit());
    (matches!(source, "as" | "vgg") && !id.is_empty() && offset_is_six_digits).then_some((clip, source))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_stems_name_their_clip() {
        for (stem, clip, source) in [
            ("as_a-b_c_000030", "as_a-b_c", "as"),
            ("vgg___x_123456", "vgg___x", "vgg"),
            ("tux_badger_000574", "tux_badger_000574", ""),
            ("as__000030", "as__000030", ""),
            ("as_x_00030", "as_x_00030", ""),
            ("asx_y_000030", "asx_y_000030", ""),
        ] {
            assert_eq!((clip_id(stem), clip_source(stem)), (clip, source), "{stem}");
        }
    }
}
