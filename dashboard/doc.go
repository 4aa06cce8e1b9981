// Package dashboard is a page that shows a cluster: who its members are, how it has
// been during the last hour, what happened to it, who can reach it, and the cause
// where it is not well.
//
// A Sampler asks a Source again and again and keeps what it hears in rings of an
// hour. A Handler gives that to a browser: a page with all that it needs, which asks
// for news every few seconds. The page loads nothing from anywhere else, which its
// content security policy and a test hold it to. Who does not know the handler's
// key sees nothing, and neither does a page of another origin that resolves to the
// same address.
//
// Nothing is written anywhere, no member is changed, and reads are the only
// requests that the members get: one a look each, beside /metrics.
package dashboard
