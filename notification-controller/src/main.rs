//! Entry point of the notification-controller.

fn main() {}
