// Package logs reads what etcd says of itself.
//
// etcd writes a line of JSON for whatever happens, or since 3.6 on request a line
// of text; beside them stand the lines of a panic and of servers that are no etcd.
// Read gives all of them one form, Filter chooses among them, and Names puts
// members' names where etcd writes their IDs, which nobody knows by heart.
//
// Nothing here judges: package health/doctor does.
package logs
