//! The network itself: encoder, decoder and heads over packed tokens.

use super::positions::positions;
use crate::architecture::{specs, Config, Spec};
use crate::batch::{Batch, Packed};
use crate::ops::{Backend, LossAndRows, LossRows, Mat, OpSet, Spans};
use dfdx::prelude::*;

/// Parameters on a device, and the fixed position table.
pub struct FourM<D: Backend> {
    pub config: Config,
    pub specs: Vec<Spec>,
    pub params: Vec<Mat<D>>,
    pub positions: Mat<D>,
    layers: Layers,
}

/// Numbers of the parameters in [`specs`].
struct Layers {
    enc_tokens: usize,
    enc_modalities: usize,
    dec_modalities: usize,
    encoder: Vec<EncoderBlock>,
    decoder: Vec<DecoderBlock>,
    context: (usize, usize),
    to_logits: usize,
    enc_norm: usize,
    dec_norm: usize,
}

struct EncoderBlock {
    attention: SelfAttention,
    mlp: Mlp,
}

struct DecoderBlock {
    attention: SelfAttention,
    cross: CrossAttention,
    mlp: Mlp,
}

struct SelfAttention {
    norm: usize,
    qkv: usize,
    out: usize,
}

struct CrossAttention {
    query_norm: usize,
    context_norm: usize,
    q: usize,
    kv: usize,
    out: usize,
}

struct Mlp {
    norm: usize,
    fc1: usize,
    fc2: usize,
}

/// The list of parameters, asked by name.
struct Names<'a>(&'a [Spec]);

impl Names<'_> {
    /// # Panics
    /// If no parameter has this name: the list and the layers below are one program.
    fn number(&self, name: &str) -> usize {
        let found = self.0.iter().position(|spec| spec.name == name);
        found.unwrap_or_else(|| panic!("no parameter is named {name}"))
    }

    fn layers(&self, config: &Config) -> Layers {
        Layers {
            enc_tokens: self.number("enc_tok_emb.weight"),
            enc_modalities: self.number("enc_mod_emb.weight"),
            dec_modalities: self.number("dec_mod_emb.weight"),
            encoder: (0..config.enc_depth).map(|i| self.encoder(&format!("encoder.blocks.{i}"))).collect(),
            decoder: (0..config.dec_depth).map(|i| self.decoder(&format!("decoder.blocks.{i}"))).collect(),
            context: (self.number("dec_context_proj.weight"), self.number("dec_context_proj.bias")),
            to_logits: self.number("to_logits.weight"),
            enc_norm: self.number("enc_norm.weight"),
            dec_norm: self.number("dec_norm.weight"),
        }
    }

    fn encoder(&self, block: &str) -> EncoderBlock {
        EncoderBlock { attention: self.attention(block, "attn"), mlp: self.mlp(block) }
    }

    fn decoder(&self, block: &str) -> DecoderBlock {
        let number = |name: &str| self.number(&format!("{block}.{name}.weight"));
        let cross = CrossAttention {
            query_norm: number("query_norm"),
            context_norm: number("context_norm"),
            q: number("cross_attn.q"),
            kv: number("cross_attn.kv"),
            out: number("cross_attn.attn_out_proj"),
        };
        DecoderBlock { attention: self.attention(block, "self_attn"), cross, mlp: self.mlp(block) }
    }

    fn attention(&self, block: &str, name: &str) -> SelfAttention {
        SelfAttention {
            norm: self.number(&format!("{block}.norm1.weight")),
            qkv: self.number(&format!("{block}.{name}.qkv.weight")),
            out: self.number(&format!("{block}.{name}.attn_out_proj.weight")),
        }
    }

    fn mlp(&self, block: &str) -> Mlp {
        let number = |name: &str| self.number(&format!("{block}.{name}.weight"));
        Mlp { norm: number("norm2"), fc1: number("mlp.fc1"), fc2: number("mlp.fc2") }
    }
}

impl<D: Backend> FourM<D> {
    /// A model whose parameter `i` holds `values(i, spec)`.
    pub fn new(
        dev: &D,
        config: Config,
        mut values: impl FnMut(usize, &Spec) -> Vec<f32>,
    ) -> Result<FourM<D>, D::Err> {
        let specs = specs(&config);
        let mut params = Vec::with_capacity(specs.len());
        for (i, spec) in specs.iter().enumerate() {
            params.push(dev.try_tensor_from_vec(values(i, spec), spec.matrix())?);
        }
        let table = positions(&config);
        let positions = dev.try_tensor_from_vec(table.clone(), (table.len() / config.dim, config.dim))?;
        let layers = Names(&specs).layers(&config);
        Ok(FourM { layers, config, specs, params, positions })
    }

    fn p(&self, i: usize) -> &Mat<D> {
        &self.params[i]
    }

    /// `x + attn(norm1(x))`: `[T, D]` → `[T, D]`.
    fn self_attention<O: OpSet<D>, T: Tape<f32, D>>(
        &self,
        tape: &mut T,
        x: &Mat<D>,
        layer: &SelfAttention,
        offsets: &[usize],
    ) -> Result<Mat<D>, D::Err> {
        let qkv = O::norm_linear(tape, x, self.p(layer.norm), self.p(layer.qkv))?; // [T, 3D]
        let spans = Spans { q: offsets, k: offsets };
        let mixed = O::attention(tape, &qkv, None, spans, self.config.head_dim)?;
        O::linear_residual(tape, &mixed, self.p(layer.out), x)
    }

    /// `x + cross_attn(query_norm(x), context_norm(context))`: `[T_dec, D]`, context `[T_enc, D]`.
    fn cross_attention<O: OpSet<D>, T: Tape<f32, D>>(
        &self,
        tape: &mut T,
        (x, context): (&Mat<D>, &Mat<D>),
        layer: &CrossAttention,
        spans: Spans<'_>,
    ) -> Result<Mat<D>, D::Err> {
        let q = O::norm_linear(tape, x, self.p(layer.query_norm), self.p(layer.q))?; // [T_dec, D]
        let kv = O::norm_linear(tape, context, self.p(layer.context_norm), self.p(layer.kv))?; // [T_enc, 2D]
        let mixed = O::attention(tape, &q, Some(&kv), spans, self.config.head_dim)?;
        O::linear_residual(tape, &mixed, self.p(layer.out), x)
    }

    /// `x + mlp(norm2(x))`.
    fn mlp<O: OpSet<D>, T: Tape<f32, D>>(
        &self,
        tape: &mut T,
        x: &Mat<D>,
        layer: &Mlp,
    ) -> Result<Mat<D>, D::Err> {
        let h = O::norm_linear(tape, x, self.p(layer.norm), self.p(layer.fc1))?; // [T, 4D]
        O::gelu_linear_residual(tape, &h, self.p(layer.fc2), x)
    }

    /// Encoder output after `enc_norm`, `[T_enc, D]`.
    pub fn encode<O: OpSet<D>, T: Tape<f32, D>>(&self, tape: &mut T, enc: &Packed) -> Result<Mat<D>, D::Err> {
        let (tokens, modalities) = (self.p(self.layers.enc_tokens), self.p(self.layers.enc_modalities));
        let mut x = O::embed(tape, Some(tokens), modalities, &self.positions, enc)?;
        for block in &self.layers.encoder {
            x = self.self_attention::<O, T>(tape, &x, &block.attention, &enc.offsets)?;
            x = self.mlp::<O, T>(tape, &x, &block.mlp)?;
        }
        O::layer_norm(tape, &x, self.p(self.layers.enc_norm))
    }

    /// Decoder output after `dec_norm`, `[T_dec, D]`: the input of `to_logits`.
    pub fn hidden<O: OpSet<D>, T: Tape<f32, D>>(
        &self,
        tape: &mut T,
        batch: &Batch,
    ) -> Result<Mat<D>, D::Err> {
        let encoded = self.encode::<O, T>(tape, &batch.enc)?;
        self.decode::<O, T>(tape, &encoded, batch)
    }

    /// As [`FourM::hidden`], from an encoder output.
    pub fn decode<O: OpSet<D>, T: Tape<f32, D>>(
        &self,
        tape: &mut T,
        encoded: &Mat<D>,
        batch: &Batch,
    ) -> Result<Mat<D>, D::Err> {
        let (w, b) = (self.p(self.layers.context.0), self.p(self.layers.context.1));
        let context = O::linear_positions(tape, encoded, w, b, &self.positions, &batch.enc.positions)?;
        let mut x = O::embed(tape, None, self.p(self.layers.dec_modalities), &self.positions, &batch.dec)?;
        let spans = Spans { q: &batch.dec.offsets, k: &batch.enc.offsets };
        for block in &self.layers.decoder {
            x = self.self_attention::<O, T>(tape, &x, &block.attention, &batch.dec.offsets)?;
            x = self.cross_attention::<O, T>(tape, (&x, &context), &block.cross, spans)?;
            x = self.mlp::<O, T>(tape, &x, &block.mlp)?;
        }
        O::layer_norm(tape, &x, self.p(self.layers.dec_norm))
    }

    /// The loss and each target's cross-entropy, `[T_dec]` nats.
    pub fn loss<O: OpSet<D>, T: Tape<f32, D>>(
        &self,
        tape: &mut T,
        batch: &Batch,
        rows: &LossRows,
    ) -> Result<LossAndRows<D>, D::Err> {
        let x = self.hidden::<O, T>(tape, batch)?;
        O::linear_cross_entropy(tape, &x, self.to_logits(), rows)
    }

    /// The output matrix `[V, D]`.
    pub fn to_logits(&self) -> &Mat<D> {
        self.p(self.layers.to_logits)
    }
}
