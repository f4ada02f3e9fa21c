import ObjectEngine
import S3Types
import S3Wire
import Telemetry

/// One event as a line of JSON, in the shape of MinIO's ListenNotification.
///
/// Source: "Event message structure", Amazon S3 User Guide; format in Docs/Formats/feed-stream.md.
func feedLine(_ event: FeedEvent, bucket: BucketRecord) -> String {
    let time = WireTime.iso8601(milliseconds: event.timeMilliseconds)
    let owner = "{\"principalId\":\(jsonQuoted(event.owner))}"
    let key = jsonQuoted(PercentEncoding.encode(event.key.text, keepsSlash: true))
    var object = "{\"key\":\(key)"
    if let etag = event.etag { object += ",\"size\":\(event.sizeBytes),\"eTag\":\(jsonQuoted(etag.text))" }
    object += ",\"sequencer\":\"\(event.cursor)\"}"
    let bucketText =
        "{\"name\":\(jsonQuoted(bucket.name.text)),\"ownerIdentity\":\(owner),\"arn\":\(jsonQuoted("arn:aws:s3:::\(bucket.name)"))}"
    let s3 =
        "{\"s3SchemaVersion\":\"1.0\",\"configurationId\":\"Config\",\"bucket\":\(bucketText),\"object\":\(object)}"
    return
        "{\"Records\":[{\"eventVersion\":\"2.1\",\"eventSource\":\"lodestore:s3\",\"awsRegion\":\(jsonQuoted(bucket.region)),"
        + "\"eventTime\":\"\(time)\",\"eventName\":\"\(event.kind.name)\",\"userIdentity\":\(owner),\"s3\":\(s3)}]}\n"
}
