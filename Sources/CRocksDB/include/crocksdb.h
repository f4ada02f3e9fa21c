// The C door to RocksDB.
//
// RocksDB's own C header has no way to hear of background errors, to give an SST writer direct I/O or to tell one kind
// of failure from another; this door speaks to the C++ classes and passes through only what the store needs.
// Docs/Decisions/0010 has the reasons. RocksDB reports by status and throws nothing but what the C++ library throws when
// memory has run out, which ends the process.
//
// Handles are freed by the function named beside them. Every `data`/`size` pair is borrowed for the call.

#ifndef LODESTORE_CROCKSDB_H
#define LODESTORE_CROCKSDB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// How a call ended. `code` and `subcode` are rocksdb::Status's; zero is success. `message` is null or belongs to the
// receiver, who frees it with crocks_free_text.
typedef struct crocks_status {
    int32_t code;
    int32_t subcode;
    int32_t severity;
    char *message;
} crocks_status;

enum {
    crocks_code_ok = 0,
    crocks_code_not_found = 1,
    crocks_code_corruption = 2,
    crocks_code_io_error = 5,
    crocks_code_busy = 11,
    crocks_subcode_no_space = 4,
};

void crocks_free_text(char *text);

// A column family and how it is kept.
typedef struct crocks_family {
    const char *name;
    uint64_t write_buffer_bytes;
    uint64_t block_bytes;
    int32_t bloom_bits_per_key;       // 0: no filter
    bool compresses;                  // LZ4 or nothing
    bool compacts_automatically;
    uint64_t blob_threshold_bytes;    // values this large go to blob files; 0: none do
    uint64_t blob_file_bytes;
} crocks_family;

typedef struct crocks_faults crocks_faults;

typedef struct crocks_settings {
    uint64_t cache_bytes;
    uint64_t log_limit_bytes;         // RocksDB's max_total_wal_size
    int32_t background_job_count;
    int32_t open_file_limit;
    bool direct_io;                   // for flushes, compactions and SST writers
    bool creates;                     // makes the database and families that are missing
    bool ends_at_torn_record;         // takes the log up to its first damage; otherwise any damage is an error
    crocks_faults *faults;            // null, or the file system of a test; borrowed while the database is open
} crocks_settings;

typedef struct crocks_db crocks_db;

// Families are numbered by their place in `families`. The names need to live only for the call.
crocks_status crocks_open(const char *path, const crocks_settings *settings, const crocks_family *families,
                          size_t family_count, crocks_db **db);
// Waits for background work and frees `db`. Nothing made from it may be alive.
void crocks_close(crocks_db *db);

// Closes the directory and opens it again under the same handle, after a failure that RocksDB does not come back from.
// Waits until every call under way has returned and every cursor is freed; calls that come meanwhile wait, but for those
// of a thread that has a cursor. The caller has no cursor. Batches, values and tables outlive it.
//
// `inspect` looks at the closed directory and says how to open it. On failure, and where it says not to, the directory is
// open for reading alone where that can be had, and else every call fails; call it again.
enum { crocks_opens_not = 0, crocks_opens_whole = 1, crocks_opens_to_torn_record = 2 };
crocks_status crocks_reopen(crocks_db *db, void *context, int32_t (*inspect)(void *context));

// Rises with every crocks_reopen.
uint64_t crocks_generation(const crocks_db *db);

// Whether a background error stands: RocksDB then refuses writes until the database is opened anew.
bool crocks_has_failed(const crocks_db *db);

// Makes, writes, syncs and removes a file of `size` bytes, as RocksDB would.
crocks_status crocks_try_disk(crocks_db *db, const char *path, size_t size);

// MARK: RocksDB's own messages

enum { crocks_message_warning = 3, crocks_message_error = 4 };

// The oldest warning or error that RocksDB has logged and nobody has taken, or null; freed by crocks_free_text. The last
// 256 are kept. `dropped`: how many more there were since the last call.
char *crocks_take_message(crocks_db *db, int32_t *level, uint64_t *dropped);

// The count of background errors heard of since the database was opened, and the latest message (freed by
// crocks_free_text), or null.
uint64_t crocks_background_errors(crocks_db *db, char **latest);

// MARK: Values

typedef struct crocks_value crocks_value;

// A value where it lies, pinned until crocks_value_free. Not found is a status, and `*value` is then null.
crocks_status crocks_get(crocks_db *db, uint32_t family, const void *key, size_t key_size, bool fill_cache,
                         crocks_value **value);
const void *crocks_value_data(const crocks_value *value);
size_t crocks_value_size(const crocks_value *value);
void crocks_value_free(crocks_value *value);

// An unsynced write through the log.
crocks_status crocks_put(crocks_db *db, uint32_t family, const void *key, size_t key_size, const void *data, size_t size);
// Unsynced. Both ends are keys; the end is not included.
crocks_status crocks_delete_range(crocks_db *db, uint32_t family, const void *begin, size_t begin_size, const void *end,
                                  size_t end_size);

// MARK: Batches

typedef struct crocks_batch crocks_batch;

// A write batch that can be read before it is written.
crocks_batch *crocks_batch_new(void);
void crocks_batch_free(crocks_batch *batch);
crocks_status crocks_batch_put(crocks_db *db, crocks_batch *batch, uint32_t family, const void *key, size_t key_size,
                               const void *data, size_t size);
crocks_status crocks_batch_delete(crocks_db *db, crocks_batch *batch, uint32_t family, const void *key, size_t key_size);
// What a reader would see with the batch written.
crocks_status crocks_batch_get(crocks_db *db, crocks_batch *batch, uint32_t family, const void *key, size_t key_size,
                               crocks_value **value);
void crocks_batch_mark(crocks_batch *batch);
crocks_status crocks_batch_return_to_mark(crocks_batch *batch);
crocks_status crocks_batch_drop_mark(crocks_batch *batch);
size_t crocks_batch_bytes(crocks_batch *batch);
uint32_t crocks_batch_count(crocks_batch *batch);
void crocks_batch_clear(crocks_batch *batch);
// With `sync`, returns when the batch and every write before it are on the disk.
crocks_status crocks_batch_write(crocks_db *db, crocks_batch *batch, bool sync);

// MARK: Cursors

typedef struct crocks_cursor crocks_cursor;

// Walks the keys in [lower, upper); a null bound is open. With a batch, as a reader would see them with it written; the
// batch must outlive the cursor and stay as it is. The bounds are copied.
crocks_cursor *crocks_cursor_new(crocks_db *db, crocks_batch *batch, uint32_t family, const void *lower,
                                 size_t lower_size, const void *upper, size_t upper_size, bool fill_cache);
void crocks_cursor_free(crocks_cursor *cursor);
void crocks_cursor_seek(crocks_cursor *cursor, const void *key, size_t key_size);
void crocks_cursor_seek_last(crocks_cursor *cursor);
void crocks_cursor_next(crocks_cursor *cursor);
bool crocks_cursor_valid(const crocks_cursor *cursor);
crocks_status crocks_cursor_status(const crocks_cursor *cursor);
// Both borrowed until the cursor moves.
const void *crocks_cursor_key(const crocks_cursor *cursor, size_t *size);
const void *crocks_cursor_value(const crocks_cursor *cursor, size_t *size);

// MARK: Tables made outside the database

typedef struct crocks_table crocks_table;

// A sorted table file that will be ingested into `family`. Keys must rise.
crocks_status crocks_table_new(crocks_db *db, uint32_t family, const char *path, crocks_table **table);
void crocks_table_free(crocks_table *table);
crocks_status crocks_table_put(crocks_table *table, const void *key, size_t key_size, const void *data, size_t size);
// Writes the index and syncs the file.
crocks_status crocks_table_finish(crocks_table *table, uint64_t *file_bytes);
// Moves finished tables into the database, all or none; durable when it returns.
crocks_status crocks_ingest(crocks_db *db, uint32_t family, const char *const *paths, size_t path_count);
// Unlinks the table files that lie wholly within [begin, end); nothing is rewritten.
crocks_status crocks_delete_files(crocks_db *db, uint32_t family, const void *begin, size_t begin_size, const void *end,
                                  size_t end_size);

// MARK: Upkeep

// Sets glibc's allocator up for megabyte buffers: kept, not mapped anew each time. Nothing elsewhere.
void crocks_tune_allocator(void);
// Gives what is free in its arenas back to the system.
void crocks_trim_allocator(void);

crocks_status crocks_flush(crocks_db *db, bool waits);
// Rewrites the keys of a range and, of the values in blob files, those alive in the oldest `blob_share` of the files, so
// that dead ones go. Files without anything alive go whatever the share.
crocks_status crocks_compact(crocks_db *db, uint32_t family, const void *begin, size_t begin_size, const void *end,
                             size_t end_size, double blob_share);
// False when the property is unknown.
bool crocks_property(crocks_db *db, uint32_t family, const char *name, uint64_t *value);
// The bytes of the table files of a family.
uint64_t crocks_table_bytes(crocks_db *db, uint32_t family);

// MARK: Inspection

// CRC32C as RocksDB stores it, but not masked.
uint32_t crocks_crc32c(const void *data, size_t size);
// The checksum of a block of a table and the byte behind it, by the number of its kind; false for a kind that is not known.
bool crocks_block_checksum(uint8_t type, const void *data, size_t size, uint8_t last, uint32_t *checksum);

// Opens without writing or removing anything, with exactly the families named. `log_path` is where logs are looked for
// instead of beside the tables, or null. With `forgives`, missing tables and damaged log records are passed over.
crocks_status crocks_open_reading(const char *path, const char *log_path, bool forgives, const char *const *names,
                                  size_t name_count, crocks_db **db);
// The families that the manifest tells of.
crocks_status crocks_list_families(const char *path, void *context, void (*visit)(void *context, const char *name));
// The number that stands for a family in log and manifest.
uint32_t crocks_family_id(const crocks_db *db, uint32_t family);
// Every table and blob file that the database stands on; names relative to its directory.
void crocks_live_files(crocks_db *db, void *context,
                       void (*visit)(void *context, const char *name, uint64_t bytes, bool is_blob));

// Rises when a log is begun or the manifest changes, before any write that comes after is acknowledged.
uint64_t crocks_change_count(const crocks_db *db);
// The manifest's name, freed by crocks_free_text, and how many bytes of it are on the disk.
crocks_status crocks_manifest(crocks_db *db, char **name, uint64_t *bytes);
// Returns when all that was written to the log is on the disk.
crocks_status crocks_sync_log(crocks_db *db);

// MARK: Faults

// A file system for tests: counts what would change the disk, fails from a chosen call on, and can drop what was never
// synced, as a power cut does.
crocks_faults *crocks_faults_new(void);
void crocks_faults_free(crocks_faults *faults);
enum {
    crocks_faults_write = 1,
    crocks_faults_sync = 2,
    crocks_faults_open = 4,
    crocks_faults_rename = 8,
};

// The `countdown`-th change from now on of one of `kinds` fails, and those of the `count - 1` after it that are; zero is
// no end. A countdown of zero: none does.
void crocks_faults_arm(crocks_faults *faults, uint64_t countdown, uint64_t count, uint32_t kinds, bool no_space);
uint64_t crocks_faults_operations(const crocks_faults *faults);
// Cuts every file written since the start back to what was last synced of it. The database must be closed.
crocks_status crocks_faults_lose_unsynced(crocks_faults *faults);

#ifdef __cplusplus
}
#endif

#endif
