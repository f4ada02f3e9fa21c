import Protobuf

/// The protocol's answers other than predictions, as messages of `inference.GRPCInferenceService` and `grpc.health.v1.Health`.
///
/// Source: field numbers of `open_inference_grpc.proto`, Triton's `grpc_service.proto` and `model_config.proto`, and the
/// "GRPC Health Checking Protocol".
package enum OpenInferenceMessages {
    /// `ServerLiveResponse`, `ServerReadyResponse`, `ModelReadyResponse`.
    package static func truth(_ isTrue: Bool) -> [UInt8] { written { $0.bool(1, isTrue) } }

    /// `HealthCheckResponse`: 1 serving, 2 not serving.
    package static func health(isServing: Bool) -> [UInt8] { written { $0.unsigned(1, isServing ? 1 : 2) } }

    package static func server() -> [UInt8] {
        written { writer in
            writer.string(1, OpenInferenceServer.name)
            writer.string(2, OpenInferenceServer.version)
            for name in OpenInferenceServer.extensions { writer.string(3, name) }
        }
    }

    package static func metadata(_ model: ModelSignature) -> [UInt8] {
        func tensor(_ name: String, _ type: TensorDatatype, _ shape: [Int64]) -> (inout ProtobufWriter) -> Void {
            { writer in
                writer.string(1, name)
                writer.string(2, type.rawValue)
                writer.packed(3, shape)
            }
        }
        return written { writer in
            writer.string(1, model.name)
            writer.string(2, model.version)
            writer.string(3, model.platform)
            writer.message(4, tensor(ModelSignature.inputName, model.inputType, model.inputShape))
            writer.message(5, tensor(ModelSignature.outputName, model.outputType, model.outputShape))
        }
    }

    /// `ModelConfigResponse`, its `ModelConfig` with what has a meaning here.
    package static func configuration(_ model: ModelSignature) -> [UInt8] {
        written { response in
            response.message(1) { config in
                config.string(1, model.name)
                config.string(2, model.platform)
                config.message(3) { policy in policy.message(1) { $0.unsigned(1, 1) } }
                config.message(5) { input in
                    input.string(1, ModelSignature.inputName)
                    input.unsigned(2, model.inputType.configNumber)
                    input.packed(4, model.inputShape)
                }
                config.message(6) { output in
                    output.string(1, ModelSignature.outputName)
                    output.unsigned(2, model.outputType.configNumber)
                    output.packed(3, model.outputShape)
                }
                config.string(17, OpenInferenceServer.name)
            }
        }
    }

    /// `RepositoryIndexResponse`.
    package static func index(_ entries: [RepositoryEntry]) -> [UInt8] {
        written { response in
            for entry in entries {
                response.message(1) { model in
                    model.string(1, entry.name)
                    model.string(2, entry.version)
                    model.string(3, entry.state)
                    model.string(4, entry.reason)
                }
            }
        }
    }

    /// `ModelStatisticsResponse`.
    package static func statistics(_ models: [(entry: RepositoryEntry, counts: InferenceStatistics)]) -> [UInt8] {
        written { response in
            for (entry, counts) in models {
                response.message(1) { model in
                    model.string(1, entry.name)
                    model.string(2, entry.version)
                    model.unsigned(3, counts.lastMilliseconds)
                    model.unsigned(4, counts.inferenceCount)
                    model.unsigned(5, counts.executionCount)
                    model.message(6) { statistics in
                        let tallies = [
                            counts.success, counts.failure, counts.queue, counts.input, counts.inference, counts.output,
                        ]
                        for (index, tally) in tallies.enumerated() {
                            statistics.message(index + 1) { duration in
                                duration.unsigned(1, tally.count)
                                duration.unsigned(2, tally.nanoseconds)
                            }
                        }
                    }
                }
            }
        }
    }

    /// `ModelStreamInferResponse`: an error's text 1, or a `ModelInferResponse` 2.
    package static func streamed(_ answer: [UInt8]) -> [UInt8] { written { $0.data(2, answer) } }
    package static func streamed(error: String) -> [UInt8] { written { $0.string(1, error) } }

    private static func written(_ body: (inout ProtobufWriter) -> Void) -> [UInt8] {
        var writer = ProtobufWriter()
        body(&writer)
        return writer.bytes
    }
}
