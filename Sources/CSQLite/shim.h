#include <sqlite3.h>

// Why: a macro that calculates is not imported.
static const int headgate_sqlite_readonly_directory = SQLITE_READONLY_DIRECTORY;
static const int headgate_sqlite_readonly_dbmoved = SQLITE_READONLY_DBMOVED;
static const int headgate_sqlite_constraint_unique = SQLITE_CONSTRAINT_UNIQUE;
static const int headgate_sqlite_constraint_foreignkey = SQLITE_CONSTRAINT_FOREIGNKEY;
