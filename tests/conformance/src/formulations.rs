//! A store on a real engine joins by the formulation that its configuration names.

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use hybrid_core::sql::{Formulation, SqlStore};
use hybrid_core::{Call, Context, ErrorKind, Explain, OfflineStore};

use crate::partitioned::retrieval;

/// Each that is offered joins where it is configured, as `explain` tells, and finds the 2 that `source` has for a
/// [`retrieval`]; each other one is refused when the store connects, with the names of those.
///
/// # Panics
/// When it is otherwise.
#[allow(clippy::unwrap_used)]
pub async fn join_as_configured<T: SqlStore>(
    config: impl Fn(Formulation) -> T::Config,
    source: T::Source,
    offered: &[Formulation],
) where
    T::Source: Clone,
{
    let names: Vec<&str> = offered.iter().map(|offered| offered.name()).collect();
    let help = format!("use one of {}, or leave it out", names.join(", "));
    for formulation in Formulation::ALL {
        let connected = <T as OfflineStore>::connect(config(formulation), &Context::default()).await;
        if !offered.contains(&formulation) {
            let error = connected.err().unwrap();
            assert_eq!(error.kind(), ErrorKind::Config, "{error}");
            assert_eq!(error.help(), [help.as_str()], "{error}");
            continue;
        }
        let store = connected.unwrap_or_else(|error| panic!("{formulation:?}: {error}"));
        let asked = || retrieval(source.clone(), None, None);
        let told = OfflineStore::explain(&store, Explain::Historical(asked()))
            .await
            .unwrap();
        let begin = format!("view days: {formulation:?}, as configured\n");
        assert!(told.starts_with(&begin), "{told}");
        let answer = OfflineStore::get_historical_features(&store, asked(), &Call::default()).await;
        let batches = answer.unwrap().rows.collect().await.unwrap();
        let found = batches[0].column(1).as_primitive::<Int64Type>().value(0);
        assert_eq!(found, 2, "{formulation:?}");
        OfflineStore::shutdown(&store).await.unwrap();
    }
}
