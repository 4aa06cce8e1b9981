package backup

import (
	"encoding/binary"
	"errors"

	"go.etcd.io/bbolt"
	"go.etcd.io/etcd/api/v3/authpb"
	"google.golang.org/protobuf/proto"

	"github.com/etcdctr/etcdctr/cluster"
)

// A backup has the users of its time, or none, and those that are described can be made by
// members that serve only. So that nobody is let in meanwhile who is not to be, the members
// begin with users on, and with no other than root, who comes by a certificate.

// The buckets and keys of etcd's users in its database (server/storage/schema/auth.go, the
// same from 3.5 to 3.7).
var (
	authBucket      = []byte("auth")
	authUsersBucket = []byte("authUsers")
	authRolesBucket = []byte("authRoles")
	authEnabledKey  = []byte("authEnabled")
	authRevisionKey = []byte("authRevision")
)

// shut turns users on in a database that nobody has open, and takes all away but root.
func shut(path string) error {
	db, err := openToChange(path)
	if err != nil {
		return err
	}
	return errors.Join(db.Update(shutIn), db.Close())
}

func shutIn(tx *bbolt.Tx) error {
	name := []byte(cluster.RootName)
	user, errUser := proto.Marshal(&authpb.User{Name: name, Roles: []string{cluster.RootName}, Options: &authpb.UserAddOptions{NoPassword: true}})
	role, errRole := proto.Marshal(&authpb.Role{Name: name})
	if err := errors.Join(errUser, errRole); err != nil {
		return err
	}
	if err := tx.DeleteBucket(authUsersBucket); err != nil && tx.Bucket(authUsersBucket) != nil {
		return err
	}
	users, errUsers := tx.CreateBucket(authUsersBucket)
	roles, errRoles := tx.CreateBucketIfNotExists(authRolesBucket)
	auth, errAuth := tx.CreateBucketIfNotExists(authBucket)
	if err := errors.Join(errUsers, errRoles, errAuth); err != nil {
		return err
	}
	var revision uint64
	if is := auth.Get(authRevisionKey); len(is) == 8 {
		revision = binary.BigEndian.Uint64(is)
	}
	return errors.Join(
		users.Put(name, user), roles.Put(name, role),
		auth.Put(authRevisionKey, binary.BigEndian.AppendUint64(nil, revision+1)),
		auth.Put(authEnabledKey, []byte{1}),
	)
}
