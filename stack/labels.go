package stack

// Labels that Docker Compose finds its objects by.
const (
	projectLabel     = "com.docker.compose.project"
	serviceLabel     = "com.docker.compose.service"
	numberLabel      = "com.docker.compose.container-number"
	networkLabel     = "com.docker.compose.network"
	volumeLabel      = "com.docker.compose.volume"
	configHashLabel  = "com.docker.compose.config-hash"
	imageLabel       = "com.docker.compose.image" // the image's ID at creation
	dependsOnLabel   = "com.docker.compose.depends_on"
	oneoffLabel      = "com.docker.compose.oneoff" // "True" for `docker compose run`
	versionLabel     = "com.docker.compose.version"
	workingDirLabel  = "com.docker.compose.project.working_dir"
	configFilesLabel = "com.docker.compose.project.config_files"
	replaceLabel     = "com.docker.compose.replace"
)

// composeVersion is the Docker Compose whose labels and hashes these are.
const composeVersion = "5.5.1"

// Labels of our own.
const (
	// RoleLabel says what a service of an etcd stack is for.
	RoleLabel = "io.etcdctr.role"
	// Member is the role of services that form a quorum.
	Member = "member"
	// filesLabel marks a volume that holds copies of local files, for an
	// engine that does not see them. Its value is the folder in the container.
	filesLabel = "io.etcdctr.files"
	// copiesLabel is the hash of a service whose files were copied, but for where on whose
	// machine they were: to somebody else's folder with the same files it is the same.
	copiesLabel = "io.etcdctr.copies"
	// protectedLabel and protectedKeyLabel are what Docker Compose's labels of project
	// and volume are, on a volume that is not to be deleted by it: see Wanted.Own.
	protectedLabel    = "io.etcdctr.protected"
	protectedKeyLabel = "io.etcdctr.volume"
	// makerLabel says which process has made a helper, and will remove it.
	makerLabel = "io.etcdctr.maker"
	// ownLabel marks a volume or a network that was made for the stack.
	ownLabel = "io.etcdctr.own"
	// FolderLabel notes on a volume where the stack was started that it was made for.
	FolderLabel = "io.etcdctr.folder"
)
