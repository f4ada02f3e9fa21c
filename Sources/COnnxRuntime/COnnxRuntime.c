#include "COnnxRuntime.h"

#include <dlfcn.h>
#include <stdio.h>

// Places in the table. Source: the order of the members of `OrtApi` in onnxruntime_c_api.h, counted from 0.
enum place {
    ERROR_CODE = 1,
    ERROR_MESSAGE = 2,
    CREATE_ENVIRONMENT_WITH_LOGGER = 4,
    DISABLE_TELEMETRY = 6,
    CREATE_SESSION_FROM_ARRAY = 8,
    RUN = 9,
    CREATE_OPTIONS = 10,
    DISABLE_MEMORY_PATTERN = 17,
    DISABLE_ARENA = 19,
    SET_SEVERITY = 22,
    SET_OPTIMIZATION = 23,
    SET_INTRA_THREADS = 24,
    SET_INTER_THREADS = 25,
    INPUT_COUNT = 30,
    OUTPUT_COUNT = 31,
    INPUT_TYPE = 33,
    OUTPUT_TYPE = 34,
    INPUT_NAME = 36,
    OUTPUT_NAME = 37,
    CREATE_TENSOR_WITH_DATA = 49,
    TENSOR_DATA = 51,
    SHAPE_OF_TYPE = 55,
    KIND_OF_TYPE = 56,
    ELEMENT_OF_SHAPE = 60,
    DIMENSION_COUNT = 61,
    DIMENSIONS = 62,
    SHAPE_OF_TENSOR = 65,
    CREATE_CPU_MEMORY = 69,
    ALLOCATOR_FREE = 76,
    DEFAULT_ALLOCATOR = 78,
    RELEASE_ENVIRONMENT = 92,
    RELEASE_STATUS = 93,
    RELEASE_MEMORY = 94,
    RELEASE_SESSION = 95,
    RELEASE_VALUE = 96,
    RELEASE_TYPE = 98,
    RELEASE_SHAPE = 99,
    RELEASE_OPTIONS = 100,
    SET_ENTRY = 130,
};

// A function of the table, as its type.
#define FUNCTION(place, result, ...) ((result (*)(__VA_ARGS__))table[place])

struct entry {
    connx_table (*table)(uint32_t version);
    const char *(*version)(void);
};

int connx_open(const char *path, uint32_t version, connx_table *table, char *text, size_t text_size) {
    // Now and not later, so that a library that lacks something is refused here; local, so that its symbols meet none of ours.
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        const char *reason = dlerror();
        snprintf(text, text_size, "%s", reason == NULL ? "unknown" : reason);
        return CONNX_NO_LIBRARY;
    }
    const struct entry *(*find)(void) = (const struct entry *(*)(void))dlsym(library, "OrtGetApiBase");
    const struct entry *entry = find == NULL ? NULL : find();
    if (entry == NULL) {
        dlclose(library);
        snprintf(text, text_size, "%s", "");
        return CONNX_NO_ENTRY;
    }
    snprintf(text, text_size, "%s", entry->version());
    *table = entry->table(version);
    return *table == NULL ? CONNX_TOO_OLD : CONNX_OPENED;
}

int connx_error_code(connx_table table, connx_status status) { return FUNCTION(ERROR_CODE, int, connx_status)(status); }

const char *connx_error_message(connx_table table, connx_status status) {
    return FUNCTION(ERROR_MESSAGE, const char *, connx_status)(status);
}

void connx_release_status(connx_table table, connx_status status) { FUNCTION(RELEASE_STATUS, void, connx_status)(status); }

static void drop(
    void *parameter, int severity, const char *category, const char *name, const char *place, const char *message) {
    (void)parameter, (void)severity, (void)category, (void)name, (void)place, (void)message;
}

typedef void (*logger)(void *, int, const char *, const char *, const char *, const char *);

connx_status connx_create_environment(connx_table table, int severity, const char *name, connx_object *environment) {
    return FUNCTION(CREATE_ENVIRONMENT_WITH_LOGGER, connx_status, logger, void *, int, const char *, connx_object *)(
        drop, NULL, severity, name, environment);
}

connx_status connx_disable_telemetry(connx_table table, connx_object environment) {
    return FUNCTION(DISABLE_TELEMETRY, connx_status, connx_object)(environment);
}

void connx_release_environment(connx_table table, connx_object environment) {
    FUNCTION(RELEASE_ENVIRONMENT, void, connx_object)(environment);
}

connx_status connx_create_options(connx_table table, connx_object *options) {
    return FUNCTION(CREATE_OPTIONS, connx_status, connx_object *)(options);
}

connx_status connx_disable_patterns(connx_table table, connx_object options) {
    return FUNCTION(DISABLE_MEMORY_PATTERN, connx_status, connx_object)(options);
}

connx_status connx_disable_arena(connx_table table, connx_object options) {
    return FUNCTION(DISABLE_ARENA, connx_status, connx_object)(options);
}

connx_status connx_set_severity(connx_table table, connx_object options, int severity) {
    return FUNCTION(SET_SEVERITY, connx_status, connx_object, int)(options, severity);
}

connx_status connx_set_optimization(connx_table table, connx_object options, int level) {
    return FUNCTION(SET_OPTIMIZATION, connx_status, connx_object, int)(options, level);
}

connx_status connx_set_intra_threads(connx_table table, connx_object options, int count) {
    return FUNCTION(SET_INTRA_THREADS, connx_status, connx_object, int)(options, count);
}

connx_status connx_set_inter_threads(connx_table table, connx_object options, int count) {
    return FUNCTION(SET_INTER_THREADS, connx_status, connx_object, int)(options, count);
}

connx_status connx_set_entry(connx_table table, connx_object options, const char *key, const char *value) {
    return FUNCTION(SET_ENTRY, connx_status, connx_object, const char *, const char *)(options, key, value);
}

void connx_release_options(connx_table table, connx_object options) { FUNCTION(RELEASE_OPTIONS, void, connx_object)(options); }

connx_status connx_create_session(
    connx_table table, connx_object environment, const void *bytes, size_t count, connx_object options, connx_object *session) {
    return FUNCTION(CREATE_SESSION_FROM_ARRAY, connx_status, connx_object, const void *, size_t, connx_object, connx_object *)(
        environment, bytes, count, options, session);
}

connx_status connx_input_count(connx_table table, connx_object session, size_t *count) {
    return FUNCTION(INPUT_COUNT, connx_status, connx_object, size_t *)(session, count);
}

connx_status connx_output_count(connx_table table, connx_object session, size_t *count) {
    return FUNCTION(OUTPUT_COUNT, connx_status, connx_object, size_t *)(session, count);
}

connx_status connx_input_name(connx_table table, connx_object session, size_t index, connx_object allocator, char **name) {
    return FUNCTION(INPUT_NAME, connx_status, connx_object, size_t, connx_object, char **)(session, index, allocator, name);
}

connx_status connx_output_name(connx_table table, connx_object session, size_t index, connx_object allocator, char **name) {
    return FUNCTION(OUTPUT_NAME, connx_status, connx_object, size_t, connx_object, char **)(session, index, allocator, name);
}

connx_status connx_input_type(connx_table table, connx_object session, size_t index, connx_object *type) {
    return FUNCTION(INPUT_TYPE, connx_status, connx_object, size_t, connx_object *)(session, index, type);
}

connx_status connx_output_type(connx_table table, connx_object session, size_t index, connx_object *type) {
    return FUNCTION(OUTPUT_TYPE, connx_status, connx_object, size_t, connx_object *)(session, index, type);
}

connx_status connx_run(
    connx_table table, connx_object session, const char *const *input_names, const connx_object *inputs, size_t input_count,
    const char *const *output_names, size_t output_count, connx_object *outputs) {
    return FUNCTION(
        RUN, connx_status, connx_object, connx_object, const char *const *, const connx_object *, size_t, const char *const *,
        size_t, connx_object *)(session, NULL, input_names, inputs, input_count, output_names, output_count, outputs);
}

void connx_release_session(connx_table table, connx_object session) { FUNCTION(RELEASE_SESSION, void, connx_object)(session); }

connx_status connx_kind(connx_table table, connx_object type, int *kind) {
    return FUNCTION(KIND_OF_TYPE, connx_status, connx_object, int *)(type, kind);
}

connx_status connx_shape_of_type(connx_table table, connx_object type, connx_object *shape) {
    return FUNCTION(SHAPE_OF_TYPE, connx_status, connx_object, connx_object *)(type, shape);
}

connx_status connx_element(connx_table table, connx_object shape, int *element) {
    return FUNCTION(ELEMENT_OF_SHAPE, connx_status, connx_object, int *)(shape, element);
}

connx_status connx_dimension_count(connx_table table, connx_object shape, size_t *count) {
    return FUNCTION(DIMENSION_COUNT, connx_status, connx_object, size_t *)(shape, count);
}

connx_status connx_dimensions(connx_table table, connx_object shape, int64_t *dimensions, size_t count) {
    return FUNCTION(DIMENSIONS, connx_status, connx_object, int64_t *, size_t)(shape, dimensions, count);
}

void connx_release_type(connx_table table, connx_object type) { FUNCTION(RELEASE_TYPE, void, connx_object)(type); }

void connx_release_shape(connx_table table, connx_object shape) { FUNCTION(RELEASE_SHAPE, void, connx_object)(shape); }

connx_status connx_default_allocator(connx_table table, connx_object *allocator) {
    return FUNCTION(DEFAULT_ALLOCATOR, connx_status, connx_object *)(allocator);
}

connx_status connx_free(connx_table table, connx_object allocator, void *memory) {
    return FUNCTION(ALLOCATOR_FREE, connx_status, connx_object, void *)(allocator, memory);
}

connx_status connx_create_memory(connx_table table, connx_object *memory) {
    // OrtDeviceAllocator and OrtMemTypeDefault: plain memory of the processor.
    return FUNCTION(CREATE_CPU_MEMORY, connx_status, int, int, connx_object *)(0, 0, memory);
}

void connx_release_memory(connx_table table, connx_object memory) { FUNCTION(RELEASE_MEMORY, void, connx_object)(memory); }

connx_status connx_create_tensor(
    connx_table table, connx_object memory, void *data, size_t byte_count, const int64_t *dimensions, size_t dimension_count,
    int element, connx_object *tensor) {
    return FUNCTION(
        CREATE_TENSOR_WITH_DATA, connx_status, connx_object, void *, size_t, const int64_t *, size_t, int, connx_object *)(
        memory, data, byte_count, dimensions, dimension_count, element, tensor);
}

connx_status connx_shape_of_tensor(connx_table table, connx_object tensor, connx_object *shape) {
    return FUNCTION(SHAPE_OF_TENSOR, connx_status, connx_object, connx_object *)(tensor, shape);
}

connx_status connx_tensor_data(connx_table table, connx_object tensor, void **data) {
    return FUNCTION(TENSOR_DATA, connx_status, connx_object, void **)(tensor, data);
}

void connx_release_value(connx_table table, connx_object value) { FUNCTION(RELEASE_VALUE, void, connx_object)(value); }
