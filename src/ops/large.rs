//! Operations at shapes that fill a card's blocks of threads and tiles, which those of their own tests do not: rows
//! longer than a block, sums over several warps, several tiles a sample, every width of head that has a kernel.

use crate::batch::Packed;
use crate::ops::testing::op_test;
use crate::ops::LossRows;

op_test!(gradients of layer_norm, [(37, 1100), (1, 1100)], 1e-5, |O, tape, x| O::layer_norm(tape, &x[0], &x[1]));

op_test!(gradients of norm_linear, [(70, 300), (1, 300), (130, 300)], 1e-5, |O, tape, x| {
    O::norm_linear(tape, &x[0], &x[1], &x[2])
});

op_test!(gradients of gelu_linear, [(70, 300), (130, 300), (70, 130)], 1e-5, |O, tape, x| {
    O::gelu_linear_residual(tape, &x[0], &x[1], &x[2])
});

op_test!(gradients of linear_residual, [(70, 300), (130, 300), (70, 130)], 1e-5, |O, tape, x| {
    O::linear_residual(tape, &x[0], &x[1], &x[2])
});

/// 301 rows of 7 ids, one of them in most rows.
fn index() -> Packed {
    let mut index = Packed::default();
    for i in 0..301_u32 {
        index.token(if i.is_multiple_of(3) { i % 7 } else { 5 }, i % 5, i % 2);
    }
    index
}

op_test!(gradients of embedding, [(7, 300), (2, 300)], 1e-5, |O, tape, x| {
    O::embed(tape, Some(&x[0]), &x[1], &random(x[0].device(), 5, 300, 3), &index())
});

/// 90 rows, of which every third competes among 65 ids and the others among 1100.
fn rows() -> LossRows {
    let limit = |i: u32| if i.is_multiple_of(3) { 65 } else { 1100 };
    LossRows {
        targets: (0..90).map(|i| i * 37 % limit(i)).collect(),
        weights: (0..90).map(|i| (i % 4) as f32 / 50.0).collect(),
        limits: (0..90).map(limit).collect(),
    }
}

op_test!(gradients of cross_entropy, [(90, 48), (1100, 48)], 1e-5, |O, tape, x| {
    let (loss, _) = O::linear_cross_entropy(tape, &x[0], &x[1], &rows())?;
    let taped = loss.put_tape(std::mem::take(tape)).try_broadcast_like(&(1_usize, 1_usize))?;
    let (out, recorded) = taped.split_tape();
    *tape = recorded;
    Ok(out)
});

op_test!(parity of scores, [(90, 48), (1100, 48)], 1e-5, |O, x| {
    let truths: Vec<u32> = (0..90).map(|i| i * 11 % 65).collect();
    let scored = O::scores(&x[0], &x[1], &rows().limits, &[&truths])?;
    let sums = scored.rows.iter().map(|row| row.log_sum).collect();
    let ids = scored.rows.iter().map(|row| row.argmax as f32).collect();
    Ok([vec![sums, ids], scored.logits].concat())
});

op_test!(gradients of self_attention_of_32, [(140, 192)], 1e-5, |O, tape, x| {
    O::attention(tape, &x[0], None, Spans { q: &[0, 65, 65, 140], k: &[0, 65, 65, 140] }, 32)
});

op_test!(gradients of self_attention_of_64, [(196, 384)], 1e-5, |O, tape, x| {
    O::attention(tape, &x[0], None, Spans { q: &[0, 130, 131, 196], k: &[0, 130, 131, 196] }, 64)
});

op_test!(gradients of self_attention_of_128, [(140, 384)], 1e-5, |O, tape, x| {
    O::attention(tape, &x[0], None, Spans { q: &[0, 139, 140], k: &[0, 139, 140] }, 128)
});

op_test!(gradients of cross_attention_of_64, [(130, 64), (200, 128)], 1e-5, |O, tape, x| {
    O::attention(tape, &x[0], Some(&x[1]), Spans { q: &[0, 128, 130], k: &[0, 70, 200] }, 64)
});

op_test!(gradients of cross_attention_of_80, [(70, 160), (140, 320)], 1e-5, |O, tape, x| {
    O::attention(tape, &x[0], Some(&x[1]), Spans { q: &[0, 66, 70], k: &[0, 129, 140] }, 80)
});

op_test!(gradients of self_attention_of_10, [(80, 60)], 1e-5, |O, tape, x| {
    O::attention(tape, &x[0], None, Spans { q: &[0, 66, 80], k: &[0, 66, 80] }, 10)
});
