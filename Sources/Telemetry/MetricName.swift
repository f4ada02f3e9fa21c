/// The names of metrics, each declared once. `process_…` are those that every Prometheus client library gives.
package enum MetricName {
    package static let requests = "lodestore_executor_requests_total"
    package static let modelFailures = "lodestore_executor_model_failures_total"
    package static let requestDuration = "lodestore_executor_request_duration_seconds"
    package static let queueDuration = "lodestore_executor_queue_duration_seconds"
    package static let rows = "lodestore_executor_rows_total"
    package static let prediction = "lodestore_executor_prediction_score"
    package static let requestsInFlight = "lodestore_executor_requests_in_flight"
    package static let pendingBytes = "lodestore_executor_pending_bytes"
    package static let swaps = "lodestore_executor_swaps_total"
    package static let liveModels = "lodestore_executor_live_models"

    package static let storeWaitingJobs = "lodestore_engine_waiting_jobs"
    package static let storeWaitingChanges = "lodestore_engine_waiting_changes"
    package static let storeCommits = "lodestore_engine_commits_total"
    package static let storeChanges = "lodestore_engine_changes_total"
    package static let storeLeases = "lodestore_engine_leased_bodies"
    package static let storeBytes = "lodestore_engine_stored_bytes"
    package static let storeDeadBytes = "lodestore_engine_dead_bytes"
    package static let storeBackgroundErrors = "lodestore_engine_background_errors_total"
    package static let storeTakesWrites = "lodestore_engine_takes_writes"

    package static let cpuSeconds = "process_cpu_seconds_total"
    package static let residentBytes = "process_resident_memory_bytes"
    package static let startSeconds = "process_start_time_seconds"
}
