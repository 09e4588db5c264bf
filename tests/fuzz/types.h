/* The messages that the fuzz targets try; seeds name them by place, so only append. */
#ifndef SK_TESTS_FUZZ_TYPES_H
#define SK_TESTS_FUZZ_TYPES_H

#include "wire/wire.h"

static inline const ProtobufCMessageDescriptor *fuzz_type(unsigned choice)
{
    static const char *const names[] = {
        "temporal.api.workflowservice.v1.StartWorkflowExecutionRequest",
        "temporal.api.failure.v1.Failure",
        "temporal.api.history.v1.History",
        "google.rpc.Status",
        "temporal.api.workflowservice.v1.UpdateActivityOptionsRequest",
        "temporal.api.workflowservice.v1.RespondWorkflowTaskCompletedRequest",
        "temporal.api.workflowservice.v1.CreateScheduleRequest",
        "temporal.api.workflowservice.v1.RecordWorkerHeartbeatRequest",
        "google.protobuf.FileDescriptorSet",
        "google.protobuf.Struct",
        "temporal.api.workflowservice.v1.UpdateNamespaceRequest",
    };
    return sk_wire_type(names[choice % (sizeof(names) / sizeof(*names))]);
}

#endif
