use dotwit::prelude::*;

#[js_invokable]
pub fn print(text: impl ToString) {
    println!("{}", text.to_string());
}

fn main() {
    print("still there");
}
