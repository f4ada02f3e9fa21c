// Table files made beside the database, moved in whole and dropped whole.

#include "Handles.h"

#include <rocksdb/convenience.h>

using namespace rocksdb;

crocks_status crocks_table_new(crocks_db *db, uint32_t family, const char *path, crocks_table **result) {
    Use use(db);
    if (!use.isOpen()) {
        return crocks_report(use.refusal());
    }
    EnvOptions environment;
    environment.use_direct_writes = db->options.use_direct_io_for_flush_and_compaction;
    environment.bytes_per_sync = 1 << 20;
    environment.writable_file_max_buffer_size = 1 << 20;
    Options options(db->options, db->familyOptions[family]);
    auto table = std::make_unique<crocks_table>();
    table->writer = std::make_unique<SstFileWriter>(environment, options, db->families[family]);
    Status status = table->writer->Open(path);
    *result = status.ok() ? table.release() : nullptr;
    return crocks_report(status);
}

void crocks_table_free(crocks_table *table) { delete table; }

crocks_status crocks_table_put(crocks_table *table, const void *key, size_t key_size, const void *data, size_t size) {
    return crocks_report(table->writer->Put(slice(key, key_size), slice(data, size)));
}

crocks_status crocks_table_finish(crocks_table *table, uint64_t *file_bytes) {
    ExternalSstFileInfo info;
    Status status = table->writer->Finish(&info);
    *file_bytes = status.ok() ? info.file_size : 0;
    return crocks_report(status);
}

crocks_status crocks_ingest(crocks_db *db, uint32_t family, const char *const *paths, size_t path_count) {
    Use use(db);
    if (!use.isOpen()) {
        return crocks_report(use.refusal());
    }
    IngestExternalFileOptions options;
    options.move_files = true;
    options.failed_move_fall_back_to_copy = false;
    options.write_global_seqno = false;
    std::vector<std::string> files(paths, paths + path_count);
    return crocks_report(db->db->IngestExternalFile(db->families[family], files, options));
}

crocks_status crocks_delete_files(crocks_db *db, uint32_t family, const void *begin, size_t begin_size, const void *end,
                                  size_t end_size) {
    Use use(db);
    if (!use.isOpen()) {
        return crocks_report(use.refusal());
    }
    Slice first = slice(begin, begin_size);
    Slice last = slice(end, end_size);
    RangePtr range(&first, &last);
    return crocks_report(DeleteFilesInRanges(db->db, db->families[family], &range, 1, false));
}
