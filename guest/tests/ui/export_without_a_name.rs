dotwit::export!(" ");

fn main() {}
