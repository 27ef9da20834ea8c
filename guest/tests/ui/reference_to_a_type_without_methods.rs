use dotwit::prelude::*;

pub struct Plain;

pub struct Holder {
    _plain: DotNetObjectReference<Plain>,
}

fn main() {
    let _ = DotNetObjectReference::new(Plain);
}
