//! Wrong requests, straight to the functions: also such as no HTTP client sends.

#[tokio::test]
async fn a_wrong_request_is_refused_clearly_whatever_brought_it() {
    crate::bad_requests::all_in_process().await;
}
