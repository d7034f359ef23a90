//! The source against doubles and against AWS as moto plays it.

mod moto;
