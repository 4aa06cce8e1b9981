package cluster

// Reading is when etcd goes by a setting.
type Reading string

// The times.
const (
	AtEveryStart Reading = ""            // a change takes a restart
	AtFirstStart Reading = "first start" // ignored once there is data
)

// Meaning is what no program can tell of a setting.
type Meaning struct {
	What    string   // what it does, in a line
	Reading Reading  // when etcd goes by it
	Needs   []string // settings without which it has no effect
	Became  string   // what took its place in later releases, as it is written
	Risk    string   // what it can cost
	Least   int      // a number below it makes no sense; 0: none does
	Writes  bool     // names files that etcd writes, beside its data
}

// meanings are written by hand, in groups of what belongs together. A setting
// that any release in use knows has one; a test sees to it.
var meanings = map[string]Meaning{
	// Who the member is, and where.
	"name":                        {What: "name of the member; another one renames it"},
	"data-dir":                    {What: "folder of the member's data", Risk: "another folder is another, empty member"},
	"wal-dir":                     {What: "folder of the write-ahead log, by default in the data folder", Writes: true, Risk: "log and snapshots belong together: moved apart or lost alone, the member takes no writes, or does not start"},
	"listen-client-urls":          {What: "addresses that clients are served on"},
	"listen-client-http-urls":     {What: "addresses for clients of the gRPC gateway, away from gRPC"},
	"listen-peer-urls":            {What: "addresses that the other members are served on"},
	"listen-metrics-urls":         {What: "further addresses for /metrics and /health", Risk: "http answers everyone without a certificate"},
	"advertise-client-urls":       {What: "addresses that clients are told to use", Needs: []string{"listen-client-urls"}},
	"initial-advertise-peer-urls": {What: "address that the other members reach this one by; changed later by `etcdctl member update`", Reading: AtFirstStart},
	"config-file":                 {What: "file with all settings", Risk: "flags and variables beside it are ignored, and so are unknown keys in it"},
	"version":                     {What: "prints the version and ends"},

	// How a cluster begins.
	"initial-cluster":                    {What: "the members that the cluster begins with", Reading: AtFirstStart},
	"initial-cluster-state":              {What: "whether the member founds a cluster or joins one", Reading: AtFirstStart, Risk: "new for a member of a cluster that is there makes a second one"},
	"initial-cluster-token":              {What: "word that makes the IDs of cluster and members differ from other clusters'", Reading: AtFirstStart},
	"force-new-cluster":                  {What: "makes the member the only one, on the data that it has", Risk: "left set, the next start removes every other member"},
	"strict-reconfig-check":              {What: "refuses changes of membership that would cost the quorum", Risk: "false lets a change of membership stop the cluster"},
	"discovery":                          {What: "URL of a token at a discovery service of the v2 protocol", Reading: AtFirstStart},
	"discovery-cacert":                   {What: "authority of the discovery service", Reading: AtFirstStart, Needs: []string{"discovery-endpoints"}},
	"discovery-cert":                     {What: "certificate to show to the discovery service", Reading: AtFirstStart, Needs: []string{"discovery-endpoints", "discovery-key"}},
	"discovery-dial-timeout":             {What: "how long to try to reach the discovery service", Reading: AtFirstStart, Needs: []string{"discovery-endpoints"}},
	"discovery-endpoints":                {What: "discovery service of the v3 protocol", Reading: AtFirstStart, Needs: []string{"discovery-token"}},
	"discovery-fallback":                 {What: "what to do when v2 discovery fails", Reading: AtFirstStart, Needs: []string{"discovery"}},
	"discovery-insecure-skip-tls-verify": {What: "takes any certificate of the discovery service", Reading: AtFirstStart, Needs: []string{"discovery-endpoints"}},
	"discovery-insecure-transport":       {What: "speaks plain text with the discovery service, unless it is given a certificate or an authority", Reading: AtFirstStart, Needs: []string{"discovery-endpoints"}},
	"discovery-keepalive-time":           {What: "how often the connection to the discovery service is tried", Reading: AtFirstStart, Needs: []string{"discovery-endpoints"}},
	"discovery-keepalive-timeout":        {What: "how long its answer to that may take", Reading: AtFirstStart, Needs: []string{"discovery-endpoints"}},
	"discovery-key":                      {What: "private key of discovery-cert", Reading: AtFirstStart, Needs: []string{"discovery-endpoints", "discovery-cert"}},
	"discovery-password":                 {What: "password at the discovery service", Reading: AtFirstStart, Needs: []string{"discovery-user"}, Risk: "as a variable it is in etcd's log"},
	"discovery-proxy":                    {What: "HTTP proxy on the way to the v2 discovery service", Reading: AtFirstStart, Needs: []string{"discovery"}},
	"discovery-request-timeout":          {What: "how long an answer of the discovery service may take", Reading: AtFirstStart, Needs: []string{"discovery-endpoints"}},
	"discovery-srv":                      {What: "domain whose SRV records name the members", Reading: AtFirstStart},
	"discovery-srv-name":                 {What: "suffix of the service in those records", Reading: AtFirstStart, Needs: []string{"discovery-srv"}},
	"discovery-token":                    {What: "name of the new cluster at the discovery service, and its cluster token", Reading: AtFirstStart, Needs: []string{"discovery-endpoints"}},
	"discovery-user":                     {What: "user at the discovery service", Reading: AtFirstStart, Needs: []string{"discovery-password"}},

	// Certificates of the client port.
	"cert-file":                    {What: "certificate of the client port"},
	"key-file":                     {What: "private key of cert-file", Needs: []string{"cert-file"}},
	"client-cert-file":             {What: "certificate that etcd itself shows to its client port, instead of cert-file"},
	"client-key-file":              {What: "private key of client-cert-file", Needs: []string{"client-cert-file"}},
	"client-cert-auth":             {What: "demands a certificate of every client", Needs: []string{"trusted-ca-file"}},
	"trusted-ca-file":              {What: "authority of the clients; read at the start only", Needs: []string{"cert-file"}},
	"client-crl-file":              {What: "certificates of clients that are revoked, as DER", Needs: []string{"client-cert-auth"}, Risk: "as PEM, etcd 3.6 and later refuse every client"},
	"client-cert-allowed-hostname": {What: "name that a client's certificate must be for", Needs: []string{"client-cert-auth"}},
	"auto-tls":                     {What: "makes up a certificate for the client port", Risk: "encrypted, not authenticated; client-cert-auth is switched off without a word"},
	"self-signed-cert-validity":    {What: "years that made-up certificates are good for; they are never renewed", Needs: []string{"auto-tls"}},

	// Certificates of the peer port.
	"peer-cert-file":                                 {What: "certificate of the peer port"},
	"peer-key-file":                                  {What: "private key of peer-cert-file", Needs: []string{"peer-cert-file"}},
	"peer-client-cert-file":                          {What: "certificate shown to other members, instead of peer-cert-file"},
	"peer-client-key-file":                           {What: "private key of peer-client-cert-file", Needs: []string{"peer-client-cert-file"}},
	"peer-client-cert-auth":                          {What: "demands a certificate of the other members", Needs: []string{"peer-trusted-ca-file"}},
	"peer-trusted-ca-file":                           {What: "authority of the other members; read at the start only", Needs: []string{"peer-cert-file"}},
	"peer-crl-file":                                  {What: "certificates of members that are revoked, as DER", Needs: []string{"peer-client-cert-auth"}},
	"peer-cert-allowed-cn":                           {What: "common names that other members' certificates may have", Needs: []string{"peer-client-cert-auth"}},
	"peer-cert-allowed-hostname":                     {What: "names that other members' certificates may be for", Needs: []string{"peer-client-cert-auth"}},
	"peer-auto-tls":                                  {What: "makes up a certificate for the peer port", Risk: "encrypted, not authenticated: anyone may claim to be a member"},
	"peer-skip-client-san-verification":              {What: "does not look at the address in other members' certificates", Needs: []string{"peer-client-cert-auth"}, Risk: "any certificate of the authority will do from anywhere"},
	"experimental-peer-skip-client-san-verification": {What: "does not look at the address in other members' certificates", Needs: []string{"peer-client-cert-auth"}, Risk: "any certificate of the authority will do from anywhere"},
	"cipher-suites":                                  {What: "TLS 1.2 cipher suites that are allowed; Go's choice by default"},
	"tls-min-version":                                {What: "oldest TLS version that is spoken"},
	"tls-max-version":                                {What: "newest TLS version that is spoken"},

	// Who may do what.
	"auth-token":     {What: "kind of the tokens of users: simple, or jwt with its keys"},
	"auth-token-ttl": {What: "seconds that a token is good for"},
	"bcrypt-cost":    {What: "how slow it is to check a password"},
	"cors":           {What: "origins whose web pages may call the gateway"},
	"host-whitelist": {What: "host names that HTTP requests may ask for on a port without TLS"},

	// Raft and its clock.
	"heartbeat-interval":            {What: "how often the leader is heard, in milliseconds"},
	"election-timeout":              {What: "silence of the leader after which another is elected, in milliseconds", Risk: "it has to be the same on all members"},
	"initial-election-tick-advance": {What: "elects sooner at the start"},
	"pre-vote":                      {What: "asks whether it could win before it calls an election"},
	"raft-read-timeout":             {What: "how long a read from a peer may take"},
	"raft-write-timeout":            {What: "how long a write to a peer may take"},
	"max-learners":                  {What: "how many learners the cluster may have at once", Least: 1, Risk: "it has to be the same on all members"},

	// The database, the log and their upkeep.
	"quota-backend-bytes":                               {What: "size of the database that stops writes, in bytes, or as 2GiB in the cluster file; 0 is 2 GiB", Risk: "the member whose quota is the smallest stops the writes of the whole cluster"},
	"auto-compaction-mode":                              {What: "whether retention is a time or a number of revisions"},
	"auto-compaction-retention":                         {What: "history that is kept; 0 keeps all", Risk: "with 0 the database grows to its quota"},
	"backend-batch-interval":                            {What: "longest time before a commit to the database"},
	"backend-batch-limit":                               {What: "most operations before a commit to the database"},
	"experimental-backend-bbolt-freelist-type":          {What: "how the database keeps its free pages: map or array", Became: "backend-bbolt-freelist-type"},
	"backend-bbolt-freelist-type":                       {What: "how the database keeps its free pages: map or array"},
	"bootstrap-defrag-threshold-megabytes":              {What: "megabytes to be gained for which a start defragments"},
	"experimental-bootstrap-defrag-threshold-megabytes": {What: "megabytes to be gained for which a start defragments"},
	"snapshot-count":                                    {What: "entries between two snapshots on disk"},
	"snapshot-catchup-entries":                          {What: "entries that are kept for slow members after a snapshot"},
	"experimental-snapshot-catchup-entries":             {What: "entries that are kept for slow members after a snapshot"},
	"max-snapshots":                                     {What: "snapshot files that are kept; 0 keeps all"},
	"max-wals":                                          {What: "files of the write-ahead log that are kept; 0 keeps all"},
	"compaction-batch-limit":                            {What: "most revisions that a batch of a compaction deletes"},
	"experimental-compaction-batch-limit":               {What: "most revisions that a batch of a compaction deletes"},
	"compaction-sleep-interval":                         {What: "pause between such batches"},
	"experimental-compaction-sleep-interval":            {What: "pause between such batches"},
	"memory-mlock":                                      {What: "keeps etcd in memory; takes the right to lock it"},
	"experimental-memory-mlock":                         {What: "keeps etcd in memory; takes the right to lock it"},
	"unsafe-no-fsync":                                   {What: "leaves it to the system when data reaches the disk", Risk: "loses acknowledged writes when the machine stops"},
	"corrupt-check-time":                                {What: "how often members compare their data; 0 is never"},
	"experimental-corrupt-check-time":                   {What: "how often members compare their data; 0 is never"},
	"compact-hash-check-time":                           {What: "how often members compare hashes of compactions", Needs: []string{"feature-gates"}},
	"experimental-compact-hash-check-enabled":           {What: "members compare hashes of compactions", Became: "feature-gates: CompactHashCheck=true"},
	"experimental-compact-hash-check-time":              {What: "how often members compare hashes of compactions", Needs: []string{"experimental-compact-hash-check-enabled"}},
	"experimental-initial-corrupt-check":                {What: "compares data with the other members before it serves", Became: "feature-gates: InitialCorruptCheck=true"},
	"experimental-txn-mode-write-with-shared-buffer":    {What: "transactions that write share a buffer of what was read", Became: "feature-gates: TxnModeWriteWithSharedBuffer=true"},
	"experimental-stop-grpc-service-on-defrag":          {What: "clients are sent elsewhere while the database is defragmented", Became: "feature-gates: StopGRPCServiceOnDefrag=true"},
	"experimental-enable-lease-checkpoint":              {What: "what is left of a lease outlives a change of leader", Became: "feature-gates: LeaseCheckpoint=true"},
	"experimental-enable-lease-checkpoint-persist":      {What: "what is left of a lease outlives a restart", Needs: []string{"experimental-enable-lease-checkpoint"}, Became: "feature-gates: LeaseCheckpointPersist=true"},
	"downgrade-check-time":                              {What: "how often a downgrade that was asked for is looked after"},
	"experimental-downgrade-check-time":                 {What: "how often a downgrade that was asked for is looked after"},
	"feature-gates":                                     {What: "features that are switched on or off by name"},

	// Clients and their requests.
	"max-request-bytes":                           {What: "largest request"},
	"max-txn-ops":                                 {What: "most operations of a transaction"},
	"max-concurrent-streams":                      {What: "most streams of one client at a time"},
	"grpc-keepalive-interval":                     {What: "how often an idle client is tried"},
	"grpc-keepalive-min-time":                     {What: "how often a client may try the server"},
	"grpc-keepalive-timeout":                      {What: "how long a client may take to answer that"},
	"enable-grpc-gateway":                         {What: "serves the API as JSON over HTTP too"},
	"socket-reuse-address":                        {What: "listens on addresses that an ended process still holds"},
	"socket-reuse-port":                           {What: "shares its ports with other processes", Risk: "a second member on the same port goes unnoticed"},
	"watch-progress-notify-interval":              {What: "how often a quiet watch hears of progress"},
	"experimental-watch-progress-notify-interval": {What: "how often a quiet watch hears of progress"},
	"warning-apply-duration":                      {What: "time to apply an entry that is worth a warning"},
	"experimental-warning-apply-duration":         {What: "time to apply an entry that is worth a warning"},
	"warning-unary-request-duration":              {What: "time of a request that is worth a warning"},
	"experimental-warning-unary-request-duration": {What: "time of a request that is worth a warning"},

	// What is told of it all.
	"logger":                     {What: "program that writes the log: zap, the only one left"},
	"log-outputs":                {What: "where the log goes: stderr, stdout, systemd or files", Writes: true},
	"log-output":                 {What: "where the log goes", Writes: true, Became: "log-outputs"},
	"log-level":                  {What: "least level that is logged"},
	"log-format":                 {What: "how a line of the log looks: json or console"},
	"log-package-levels":         {What: "levels of the log by package", Became: "log-level"},
	"debug":                      {What: "logs more", Became: "log-level: debug"},
	"enable-log-rotation":        {What: "rotates the log file", Needs: []string{"log-outputs"}},
	"log-rotation-config-json":   {What: "size, age and number of the log's files", Needs: []string{"enable-log-rotation"}},
	"metrics":                    {What: "basic, or extensive with histograms of every call"},
	"enable-pprof":               {What: "serves profiles on the client port under /debug/pprof", Risk: "who reaches the port can slow the member down"},
	"enable-distributed-tracing": {What: "sends traces to a collector of OpenTelemetry"},
	"experimental-enable-distributed-tracing":        {What: "sends traces to a collector of OpenTelemetry"},
	"distributed-tracing-address":                    {What: "address of that collector", Needs: []string{"enable-distributed-tracing"}},
	"experimental-distributed-tracing-address":       {What: "address of that collector", Needs: []string{"experimental-enable-distributed-tracing"}},
	"distributed-tracing-instance-id":                {What: "what the member is called in traces; it has to differ", Needs: []string{"enable-distributed-tracing"}},
	"experimental-distributed-tracing-instance-id":   {What: "what the member is called in traces; it has to differ", Needs: []string{"experimental-enable-distributed-tracing"}},
	"distributed-tracing-sampling-rate":              {What: "traces of a million requests", Needs: []string{"enable-distributed-tracing"}},
	"experimental-distributed-tracing-sampling-rate": {What: "traces of a million requests", Needs: []string{"experimental-enable-distributed-tracing"}},
	"distributed-tracing-service-name":               {What: "what the cluster is called in traces", Needs: []string{"enable-distributed-tracing"}},
	"experimental-distributed-tracing-service-name":  {What: "what the cluster is called in traces", Needs: []string{"experimental-enable-distributed-tracing"}},

	// The v2 API and its proxy, which are gone.
	"enable-v2":                {What: "serves the v2 API", Risk: "etcd 3.6 does not start on what was written by it"},
	"experimental-enable-v2v3": {What: "serves the v2 API out of the v3 store, below a prefix"},
	"v2-deprecation":           {What: "how far the v2 store is given up"},
	"proxy":                    {What: "makes it a proxy of the v2 API, and no member"},
	"proxy-dial-timeout":       {What: "milliseconds to reach a member", Needs: []string{"proxy"}},
	"proxy-failure-wait":       {What: "milliseconds before a member that failed is tried again", Needs: []string{"proxy"}},
	"proxy-read-timeout":       {What: "milliseconds to read from a member", Needs: []string{"proxy"}},
	"proxy-refresh-interval":   {What: "milliseconds between looks at the membership", Needs: []string{"proxy"}},
	"proxy-write-timeout":      {What: "milliseconds to write to a member", Needs: []string{"proxy"}},
}
