//! What every number, identity and digest hangs on: names that a change of must be noticed.

use crate::source::Sources;
use crate::tokens::Kind;
use nano4m::rng::{stream, Purpose};
use rand::RngCore;
use std::collections::BTreeSet;

/// Each purpose and the first draw of its stream with seed 1 and the indices 2, 3: a renamed purpose is
/// another stream, and every run that drew from it another run.
#[test]
fn purposes_of_randomness() {
    let purposes = [
        (Purpose::Init, 0x97a9_a0e3_0b2a_ff30),
        (Purpose::Order, 0xe523_417c_c5ae_c688),
        (Purpose::Row, 0x70b5_bd10_2ec0_ecb1),
        (Purpose::Mask, 0x7cdc_261e_0b2c_1912),
        (Purpose::Synthetic, 0x8254_0951_8736_8ca1),
        (Purpose::Prototypes, 0xa4e7_cfec_2f8b_61ca),
        (Purpose::Split, 0x9108_8d68_31e4_3ea2),
        (Purpose::Bootstrap, 0x233b_c72a_6688_ae31),
        (Purpose::Permutation, 0x6bd6_9ef8_63ef_44c3),
        (Purpose::Decode, 0xc739_26fb_4789_33be),
        (Purpose::Control, 0x9a32_cb71_f7c3_da45),
        (Purpose::LinearProbe, 0x51e6_3fda_009c_9a4b),
        (Purpose::Simulation, 0x7730_577e_3d7d_4dff),
    ];
    let drawn = purposes.map(|(purpose, _)| (purpose, stream(1, purpose, &[2, 3]).next_u64()));
    assert_eq!(drawn, purposes, "found, expected");
    let listed: Vec<String> = purposes.iter().map(|(purpose, _)| format!("{purpose:?}")).collect();
    assert_eq!(written_purposes(), listed, "the list above is not whole");
}

/// The variants as `rng.rs` writes them.
fn written_purposes() -> Vec<String> {
    let tokens = &Sources::real().files["rng.rs"].tokens;
    let begins = tokens.windows(2).position(|t| t[0].is("enum") && t[1].is("Purpose")).unwrap();
    let body = tokens[begins + 3..].iter().take_while(|t| !t.is("}"));
    body.filter(|t| t.is_word()).map(|t| t.text.clone()).collect()
}

/// The first bytes of everything that is hashed, so that no digest of one kind is one of another.
#[test]
fn domains_of_hashes() {
    let program = Sources::real().program();
    let texts = program.flat_map(|s| s.code().filter(|t| t.kind == Kind::Text));
    let domains: BTreeSet<&str> =
        texts.map(|t| t.text.trim_end_matches("\\0")).filter(|t| t.starts_with("nano4m.")).collect();
    let expected = [
        "nano4m.code.v1",
        "nano4m.data.item.v1",
        "nano4m.data.key.v1",
        "nano4m.data.source.v1",
        "nano4m.data.store",
        "nano4m.data.v1",
        "nano4m.identity.v1",
        "nano4m.report.manifest.v1",
        "nano4m.rng.v1",
        "nano4m.rows.v1",
        "nano4m.state.v1",
        "nano4m.tensor.v1",
    ];
    assert_eq!(domains.into_iter().collect::<Vec<_>>(), expected);
}
