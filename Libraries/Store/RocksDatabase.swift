import CRocksDB
import Glibc

/// An open RocksDB with the option objects used on every call. Closed when the store and all iterators have let go of
/// it.
///
/// `@unchecked Sendable`: the pointers never change after `init`; RocksDB allows all calls made through them (get,
/// write, iterator creation, flush, checkpoint, property) from any number of threads at a time, and option objects are
/// only read.
final class RocksDatabase: @unchecked Sendable {
    let handle: OpaquePointer
    let readOptions: OpaquePointer
    let writeOptions: OpaquePointer
    let durableWriteOptions: OpaquePointer
    let flushOptions: OpaquePointer

    init(directory: String, options: RocksOptions) throws(StoreError) {
        let databaseOptions = Self.databaseOptions(options)
        defer { rocksdb_options_destroy(databaseOptions) }
        if options.isReadOnly && access(directory + "/CURRENT", F_OK) != 0 {
            // RocksDB would make the directory before it says so.
            throw .invalid("\(directory) holds no database")
        }
        var opened: OpaquePointer?
        try checked {
            opened =
                options.isReadOnly
                ? rocksdb_open_for_read_only(databaseOptions, directory, 0, $0)
                : rocksdb_open(databaseOptions, directory, $0)
        }
        guard let opened else { throw .invalid("cannot open \(directory)") }
        handle = opened
        readOptions = rocksdb_readoptions_create()
        writeOptions = rocksdb_writeoptions_create()
        rocksdb_writeoptions_disable_WAL(writeOptions, options.writeAheadLog ? 0 : 1)
        durableWriteOptions = rocksdb_writeoptions_create()
        rocksdb_writeoptions_set_sync(durableWriteOptions, 1)
        flushOptions = rocksdb_flushoptions_create()
        rocksdb_flushoptions_set_wait(flushOptions, 1)
    }

    deinit {
        rocksdb_close(handle)
        rocksdb_readoptions_destroy(readOptions)
        rocksdb_writeoptions_destroy(writeOptions)
        rocksdb_writeoptions_destroy(durableWriteOptions)
        rocksdb_flushoptions_destroy(flushOptions)
    }

    private static func databaseOptions(_ options: RocksOptions) -> OpaquePointer {
        let result: OpaquePointer = rocksdb_options_create()
        rocksdb_options_set_create_if_missing(result, options.createIfMissing ? 1 : 0)
        rocksdb_options_set_paranoid_checks(result, 1)
        // Stop at the first damaged record of the write-ahead log; what was synced lies before it.
        rocksdb_options_set_wal_recovery_mode(result, Int32(rocksdb_point_in_time_recovery))
        rocksdb_options_set_compression(result, Int32(rocksdb_lz4_compression))

        // Memory and threads.
        rocksdb_options_set_write_buffer_size(result, options.writeBufferBytes)
        rocksdb_options_set_max_write_buffer_number(result, 3)
        rocksdb_options_set_max_open_files(result, Int32(clamping: options.openFiles))
        rocksdb_options_set_max_background_jobs(result, Int32(clamping: max(options.backgroundThreads, 2)))
        rocksdb_options_set_table_cache_numshardbits(result, 2)
        // 4 MiB by default, set aside at every opening: on a nearly full disk that is the room which the opening itself
        // needs, and RocksDB ends the process without it.
        rocksdb_options_set_manifest_preallocation_size(result, 64 << 10)
        // A table that is not there is found out without touching its blocks.
        rocksdb_options_set_memtable_prefix_bloom_size_ratio(result, 0.02)
        rocksdb_options_set_memtable_whole_key_filtering(result, 1)
        rocksdb_options_set_level_compaction_dynamic_level_bytes(result, 1)
        let tables = tableOptions(options)
        defer { rocksdb_block_based_options_destroy(tables) }
        rocksdb_options_set_block_based_table_factory(result, tables)

        // Silence: no statistics threads waking up, and nothing in the information log but what it begins with. When
        // one line of that found no room on the disk, the next would end the process (an assertion in Debian's 7.8.3).
        rocksdb_options_set_stats_dump_period_sec(result, 0)
        rocksdb_options_set_stats_persist_period_sec(result, 0)
        rocksdb_options_set_keep_log_file_num(result, 2)
        rocksdb_options_set_info_log_level(result, 4)  // fatal errors
        return result
    }

    private static func tableOptions(_ options: RocksOptions) -> OpaquePointer {
        let result: OpaquePointer = rocksdb_block_based_options_create()
        // Few shards of the cache: it is small, and a block must fit into one of them.
        let cacheOptions = rocksdb_lru_cache_options_create()
        rocksdb_lru_cache_options_set_capacity(cacheOptions, options.blockCacheBytes)
        rocksdb_lru_cache_options_set_num_shard_bits(cacheOptions, 2)
        let cache = rocksdb_cache_create_lru_opts(cacheOptions)
        rocksdb_lru_cache_options_destroy(cacheOptions)
        rocksdb_block_based_options_set_block_cache(result, cache)
        rocksdb_cache_destroy(cache)  // the table options keep it alive

        rocksdb_block_based_options_set_block_size(result, 4096)
        rocksdb_block_based_options_set_filter_policy(result, rocksdb_filterpolicy_create_bloom_full(10))
        rocksdb_block_based_options_set_whole_key_filtering(result, 1)
        rocksdb_block_based_options_set_data_block_index_type(
            result, Int32(rocksdb_block_based_table_data_block_index_type_binary_search_and_hash))
        // Indexes and filters count towards the budget, however large the database grows.
        rocksdb_block_based_options_set_cache_index_and_filter_blocks(result, 1)
        rocksdb_block_based_options_set_cache_index_and_filter_blocks_with_high_priority(result, 1)
        rocksdb_block_based_options_set_pin_l0_filter_and_index_blocks_in_cache(result, 1)
        return result
    }
}
