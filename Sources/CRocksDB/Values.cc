// Gets, puts, batches and cursors.

#include "Handles.h"

#include <new>

using namespace rocksdb;

static crocks_status lend(const Status &status, std::unique_ptr<crocks_value> found, crocks_value **value) {
    *value = status.ok() ? found.release() : nullptr;
    return crocks_report(status);
}

crocks_status crocks_get(crocks_db *db, uint32_t family, const void *key, size_t key_size, bool fill_cache,
                         crocks_value **value) {
    Use use(db);
    if (!use.isOpen()) {
        *value = nullptr;
        return crocks_report(use.refusal());
    }
    ReadOptions options;
    options.fill_cache = fill_cache;
    auto found = std::make_unique<crocks_value>();
    Status status = db->db->Get(options, db->families[family], slice(key, key_size), &found->slice);
    return lend(status, std::move(found), value);
}

const void *crocks_value_data(const crocks_value *value) { return value->slice.data(); }
size_t crocks_value_size(const crocks_value *value) { return value->slice.size(); }
void crocks_value_free(crocks_value *value) { delete value; }

crocks_status crocks_put(crocks_db *db, uint32_t family, const void *key, size_t key_size, const void *data,
                         size_t size) {
    Use use(db);
    if (!use.isOpen()) {
        return crocks_report(use.refusal());
    }
    return crocks_report(
        db->db->Put(WriteOptions(), db->families[family], slice(key, key_size), slice(data, size)));
}

crocks_status crocks_delete_range(crocks_db *db, uint32_t family, const void *begin, size_t begin_size, const void *end,
                                  size_t end_size) {
    Use use(db);
    if (!use.isOpen()) {
        return crocks_report(use.refusal());
    }
    return crocks_report(
        db->db->DeleteRange(WriteOptions(), db->families[family], slice(begin, begin_size), slice(end, end_size)));
}

crocks_batch *crocks_batch_new(void) { return new crocks_batch(); }
void crocks_batch_free(crocks_batch *batch) { delete batch; }

crocks_status crocks_batch_put(crocks_db *db, crocks_batch *batch, uint32_t family, const void *key, size_t key_size,
                               const void *data, size_t size) {
    Use use(db);
    if (!use.isOpen()) {
        return crocks_report(use.refusal());
    }
    return crocks_report(batch->batch.Put(db->families[family], slice(key, key_size), slice(data, size)));
}

crocks_status crocks_batch_delete(crocks_db *db, crocks_batch *batch, uint32_t family, const void *key,
                                  size_t key_size) {
    Use use(db);
    if (!use.isOpen()) {
        return crocks_report(use.refusal());
    }
    return crocks_report(batch->batch.Delete(db->families[family], slice(key, key_size)));
}

crocks_status crocks_batch_get(crocks_db *db, crocks_batch *batch, uint32_t family, const void *key, size_t key_size,
                               crocks_value **value) {
    Use use(db);
    if (!use.isOpen()) {
        *value = nullptr;
        return crocks_report(use.refusal());
    }
    auto found = std::make_unique<crocks_value>();
    Status status = batch->batch.GetFromBatchAndDB(db->db, ReadOptions(), db->families[family], slice(key, key_size),
                                                   &found->slice);
    return lend(status, std::move(found), value);
}

void crocks_batch_mark(crocks_batch *batch) { batch->batch.SetSavePoint(); }

crocks_status crocks_batch_return_to_mark(crocks_batch *batch) {
    return crocks_report(batch->batch.RollbackToSavePoint());
}

crocks_status crocks_batch_drop_mark(crocks_batch *batch) { return crocks_report(batch->batch.PopSavePoint()); }

size_t crocks_batch_bytes(crocks_batch *batch) { return batch->batch.GetDataSize(); }
uint32_t crocks_batch_count(crocks_batch *batch) { return batch->batch.GetWriteBatch()->Count(); }
void crocks_batch_clear(crocks_batch *batch) { batch->batch.Clear(); }

crocks_status crocks_batch_write(crocks_db *db, crocks_batch *batch, bool sync) {
    Use use(db);
    if (!use.isOpen()) {
        return crocks_report(use.refusal());
    }
    WriteOptions options;
    options.sync = sync;
    return crocks_report(db->db->Write(options, batch->batch.GetWriteBatch()));
}

crocks_cursor *crocks_cursor_new(crocks_db *db, crocks_batch *batch, uint32_t family, const void *lower,
                                 size_t lower_size, const void *upper, size_t upper_size, bool fill_cache) {
    auto cursor = std::make_unique<crocks_cursor>();
    ReadOptions options;
    options.fill_cache = fill_cache;
    if (lower != nullptr) {
        cursor->lower.assign(static_cast<const char *>(lower), lower_size);
        cursor->lowerSlice = cursor->lower;
        options.iterate_lower_bound = &cursor->lowerSlice;
    }
    if (upper != nullptr) {
        cursor->upper.assign(static_cast<const char *>(upper), upper_size);
        cursor->upperSlice = cursor->upper;
        options.iterate_upper_bound = &cursor->upperSlice;
    }
    // Inside until it is freed.
    db->gate.enterForCursor();
    cursor->db = db;
    if (db->db == nullptr) {
        cursor->iterator.reset(NewErrorIterator(db->refusal));
        return cursor.release();
    }
    auto *handle = db->families[family];
    if (batch == nullptr) {
        cursor->iterator.reset(db->db->NewIterator(options, handle));
    } else {
        // The merged iterator takes the bounds from the options; they live in the cursor, at an address that stays.
        Iterator *base = db->db->NewIterator(options, handle);
        cursor->iterator.reset(batch->batch.NewIteratorWithBase(handle, base, &options));
    }
    return cursor.release();
}

void crocks_cursor_free(crocks_cursor *cursor) {
    crocks_db *db = cursor->db;
    delete cursor;
    db->gate.leaveForCursor();
}

void crocks_cursor_seek(crocks_cursor *cursor, const void *key, size_t key_size) {
    cursor->iterator->Seek(slice(key, key_size));
}

void crocks_cursor_seek_last(crocks_cursor *cursor) { cursor->iterator->SeekToLast(); }
void crocks_cursor_next(crocks_cursor *cursor) { cursor->iterator->Next(); }
bool crocks_cursor_valid(const crocks_cursor *cursor) { return cursor->iterator->Valid(); }
crocks_status crocks_cursor_status(const crocks_cursor *cursor) { return crocks_report(cursor->iterator->status()); }

const void *crocks_cursor_key(const crocks_cursor *cursor, size_t *size) {
    Slice key = cursor->iterator->key();
    *size = key.size();
    return key.data();
}

const void *crocks_cursor_value(const crocks_cursor *cursor, size_t *size) {
    Slice value = cursor->iterator->value();
    *size = value.size();
    return value.data();
}
