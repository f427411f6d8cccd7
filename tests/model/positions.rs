//! The position table against the published one, whatever its width and length.

use nano4m::manifest::schema::Model;
use nano4m::model::checkpoint::state_dict;
use nano4m::model::network::Config;
use nano4m::store::tensors::{self, NamedTensor};
use std::path::Path;

/// Absolute.
const TOLERANCE: f32 = 1e-6;
/// Rows of the table that the fixture has.
const ROWS: [usize; 3] = [40, 543, 2047];

fn table(dim: usize, length: usize) -> NamedTensor {
    let modality = ron::from_str(&format!("(name: \"m\", length: {length}, vocab: 2)")).unwrap();
    let model = Model { dim, enc_depth: 0, dec_depth: 0, ..Model::default() };
    let all = state_dict(&Config::new(&[modality], &model), Vec::new());
    all.into_iter().find(|t| t.name == "pos_emb").unwrap()
}

#[test]
fn pos_emb_is_the_published_float32_table_for_any_width_and_length() {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/positions.safetensors");
    let (published, _) = tensors::read(&fixture).unwrap();
    assert!(published.len() > 10);
    for NamedTensor { name, values, .. } in published {
        let dim: usize = name.parse().unwrap();
        let ours = table(dim, 2048);
        assert_eq!(ours.shape, [2048, dim]);
        for (row, want) in ROWS.iter().zip(values.chunks(dim)) {
            for (d, (ours, want)) in ours.values[row * dim..].iter().zip(want).enumerate() {
                let error = (ours - want).abs();
                assert!(error <= TOLERANCE, "dim {dim}, position {row}, column {d}: {ours} and {want}");
            }
        }
    }
}

#[test]
fn a_shorter_table_is_the_beginning_of_a_longer_one() {
    let (short, long) = (table(66, 41), table(66, 200));
    assert_eq!(short.values, long.values[..41 * 66]);
}
