// ONNX Runtime's C functions, found at run time: nothing of it is needed to build. Its table of functions only grows, so that the
// places used here, which are those of version 1 to 5 of its interface, hold for every later version.
//
// Each call does what the function of that name does and returns what it returns: NULL, or a status to read and release. No policy
// lives here, except that the library's log goes nowhere: what fails comes back as a status with the same words.

#ifndef LODESTORE_CONNXRUNTIME_H
#define LODESTORE_CONNXRUNTIME_H

#include <stddef.h>
#include <stdint.h>

// The table of functions.
typedef const void *const *connx_table;
// Objects of the library. A status that is not NULL is an error.
typedef void *connx_object;
typedef void *connx_status;

enum connx_open_result {
    CONNX_OPENED = 0,
    // The file is no library that can be loaded; the text is the loader's.
    CONNX_NO_LIBRARY = 1,
    // A library, but without OrtGetApiBase.
    CONNX_NO_ENTRY = 2,
    // ONNX Runtime of too old a version, which the text names.
    CONNX_TOO_OLD = 3,
};

// dlopen(3) and OrtGetApiBase. A library that was opened stays. `text` receives at most `text_size` bytes, the ending zero
// included: the library's version, or what is wrong.
int connx_open(const char *path, uint32_t version, connx_table *table, char *text, size_t text_size);

// Statuses.
int connx_error_code(connx_table table, connx_status status);
const char *connx_error_message(connx_table table, connx_status status);
void connx_release_status(connx_table table, connx_status status);

// The environment.
connx_status connx_create_environment(connx_table table, int severity, const char *name, connx_object *environment);
connx_status connx_disable_telemetry(connx_table table, connx_object environment);
void connx_release_environment(connx_table table, connx_object environment);

// Session options.
connx_status connx_create_options(connx_table table, connx_object *options);
connx_status connx_disable_patterns(connx_table table, connx_object options);
connx_status connx_disable_arena(connx_table table, connx_object options);
connx_status connx_set_severity(connx_table table, connx_object options, int severity);
connx_status connx_set_optimization(connx_table table, connx_object options, int level);
connx_status connx_set_intra_threads(connx_table table, connx_object options, int count);
connx_status connx_set_inter_threads(connx_table table, connx_object options, int count);
connx_status connx_set_entry(connx_table table, connx_object options, const char *key, const char *value);
void connx_release_options(connx_table table, connx_object options);

// Sessions.
connx_status connx_create_session(
    connx_table table, connx_object environment, const void *bytes, size_t count, connx_object options, connx_object *session);
connx_status connx_input_count(connx_table table, connx_object session, size_t *count);
connx_status connx_output_count(connx_table table, connx_object session, size_t *count);
// The name is the allocator's, to be freed by it.
connx_status connx_input_name(connx_table table, connx_object session, size_t index, connx_object allocator, char **name);
connx_status connx_output_name(connx_table table, connx_object session, size_t index, connx_object allocator, char **name);
connx_status connx_input_type(connx_table table, connx_object session, size_t index, connx_object *type);
connx_status connx_output_type(connx_table table, connx_object session, size_t index, connx_object *type);
connx_status connx_run(
    connx_table table, connx_object session, const char *const *input_names, const connx_object *inputs, size_t input_count,
    const char *const *output_names, size_t output_count, connx_object *outputs);
void connx_release_session(connx_table table, connx_object session);

// Types. The shape that belongs to a type lives as long as the type; it is NULL where the type is no tensor.
connx_status connx_kind(connx_table table, connx_object type, int *kind);
connx_status connx_shape_of_type(connx_table table, connx_object type, connx_object *shape);
connx_status connx_element(connx_table table, connx_object shape, int *element);
connx_status connx_dimension_count(connx_table table, connx_object shape, size_t *count);
connx_status connx_dimensions(connx_table table, connx_object shape, int64_t *dimensions, size_t count);
void connx_release_type(connx_table table, connx_object type);
void connx_release_shape(connx_table table, connx_object shape);

// Memory and tensors. The default allocator is nobody's to release; a tensor over memory does not own it.
connx_status connx_default_allocator(connx_table table, connx_object *allocator);
connx_status connx_free(connx_table table, connx_object allocator, void *memory);
connx_status connx_create_memory(connx_table table, connx_object *memory);
void connx_release_memory(connx_table table, connx_object memory);
connx_status connx_create_tensor(
    connx_table table, connx_object memory, void *data, size_t byte_count, const int64_t *dimensions, size_t dimension_count,
    int element, connx_object *tensor);
connx_status connx_shape_of_tensor(connx_table table, connx_object tensor, connx_object *shape);
connx_status connx_tensor_data(connx_table table, connx_object tensor, void **data);
void connx_release_value(connx_table table, connx_object value);

#endif
