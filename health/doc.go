// Package health asks a running cluster whether it is one cluster, led, serving, secured and unexposed.
package health
