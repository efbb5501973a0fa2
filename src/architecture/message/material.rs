//! Key material: what only Kq-1, Kx, Kxi and Ak messages can hold (requirement S1, by type).
//!
//! Keys are amounts. Where real bits flow (the key material check of a run), an amount carries its bits as well.

use sha2::{Digest, Sha256};

/// Bits of a key: bit i is bit i mod 8 of byte i / 8.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Material {
    bytes: Vec<u8>,
    bits: u64,
}

impl Material {
    /// Appends `bits` bits of a byte sequence, from bit `from` of it on.
    pub fn append(&mut self, bytes: &[u8], from: u64, bits: u64) {
        if self.bits.is_multiple_of(8) && from.is_multiple_of(8) && bits.is_multiple_of(8) {
            let start = (from / 8) as usize;
            self.bytes
                .extend_from_slice(&bytes[start..start + (bits / 8) as usize]);
            self.bits += bits;
            return;
        }
        for at in from..from + bits {
            if self.bits.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let bit = bytes[(at / 8) as usize] >> (at % 8) & 1;
            *self.bytes.last_mut().expect("it was just pushed") |= bit << (self.bits % 8);
            self.bits += 1;
        }
    }

    /// Length \[bits\].
    pub fn bits(&self) -> u64 {
        self.bits
    }

    /// The bits, the last byte filled up with zeros.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Bitwise sum with another key of the same length.
    fn xor(&mut self, other: &Material) {
        assert_eq!(self.bits, other.bits, "a one-time pad is as long as the key");
        for (byte, other) in self.bytes.iter_mut().zip(&other.bytes) {
            *byte ^= other;
        }
    }
}

/// Keys themselves: an amount, and the bits where real bits flow.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyMaterial {
    /// Amount \[bits\].
    pub bits: u64,
    /// The bits; `None`: keys are amounts only.
    pub material: Option<Box<Material>>,
}

impl KeyMaterial {
    /// An amount, with its bits where real bits flow.
    pub fn new(bits: u64, material: Option<Box<Material>>) -> KeyMaterial {
        KeyMaterial { bits, material }
    }

    /// Some of its bits.
    #[must_use]
    pub fn part(&self, from: u64, bits: u64) -> KeyMaterial {
        let material = self.material.as_deref().map(|whole| {
            let mut part = Material::default();
            part.append(whole.bytes(), from, bits);
            Box::new(part)
        });
        KeyMaterial::new(bits, material)
    }

    /// The two one after the other.
    #[must_use]
    pub fn followed_by(mut self, other: &KeyMaterial) -> KeyMaterial {
        self.bits += other.bits;
        if let (Some(own), Some(other)) = (&mut self.material, &other.material) {
            own.append(other.bytes(), 0, other.bits());
        }
        self
    }

    /// Zeros, as long as another key.
    pub fn nothing(like: &KeyMaterial) -> KeyMaterial {
        let zeros = |material: &Material| Material {
            bytes: vec![0; material.bytes.len()],
            bits: material.bits,
        };
        let material = like.material.as_deref();
        KeyMaterial::new(like.bits, material.map(|material| Box::new(zeros(material))))
    }

    /// Digest, to compare both ends by; `None` where keys are amounts.
    pub fn digest(&self) -> Option<u64> {
        let material = self.material.as_ref()?;
        let hash: [u8; 32] = Sha256::digest(material.bytes()).into();
        let (first, _) = hash.split_first_chunk().expect("32 bytes are more than 8");
        Some(u64::from_le_bytes(*first))
    }

    /// Size \[bytes\].
    pub fn bytes(&self) -> u64 {
        self.bits.div_ceil(8)
    }

    /// One-time pad, or its removal: the bitwise sum with another key. Costs nothing where keys are amounts.
    #[must_use]
    pub fn xor(mut self, pad: Option<Box<Material>>) -> KeyMaterial {
        if let (Some(own), Some(pad)) = (&mut self.material, pad) {
            own.xor(&pad);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits_of(material: &Material) -> Vec<u8> {
        (0..material.bits())
            .map(|at| material.bytes()[(at / 8) as usize] >> (at % 8) & 1)
            .collect()
    }

    #[test]
    fn runs_of_any_alignment_are_put_together_bit_by_bit() {
        let bytes: Vec<u8> = (0..64).map(|n: u8| n.wrapping_mul(73)).collect();
        let bit = |at: u64| bytes[(at / 8) as usize] >> (at % 8) & 1;
        for (first, second) in [((0, 16), (40, 8)), ((3, 13), (50, 29)), ((8, 8), (17, 5))] {
            let mut material = Material::default();
            let mut expected = Vec::new();
            for (from, bits) in [first, second] {
                material.append(&bytes, from, bits);
                expected.extend((from..from + bits).map(bit));
            }
            assert_eq!(bits_of(&material), expected);
        }
    }

    #[test]
    fn a_pad_comes_off_as_it_went_on() {
        let mut key = Material::default();
        key.append(&[0x5a, 0xc3, 0x0f], 1, 19);
        let mut pad = Material::default();
        pad.append(&[0x11, 0x22, 0x33], 4, 19);
        let (clear, pad) = (KeyMaterial::new(19, Some(Box::new(key))), Some(Box::new(pad)));
        let padded = clear.clone().xor(pad.clone());
        assert_ne!(padded, clear);
        assert_eq!(padded.xor(pad), clear);
    }
}
