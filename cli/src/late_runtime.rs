//! A runtime that starts once something has to be waited for: most commands only compute, and start no thread.

use std::sync::OnceLock;

use tokio::runtime::{Builder, Runtime};

/// Starts one thread when it is first asked for, or says each time why there is none.
#[derive(Debug, Default)]
pub(crate) struct LateRuntime(OnceLock<Result<Runtime, String>>);

impl LateRuntime {
    pub(crate) fn get(&self) -> Result<&Runtime, String> {
        let start = || {
            let mut builder = Builder::new_multi_thread();
            let started = builder.worker_threads(1).enable_all().build();
            started.map_err(|error| error.to_string())
        };
        self.0.get_or_init(start).as_ref().map_err(Clone::clone)
    }
}
