class Etcdctr < Formula
  desc "Describe, build, start, prove and look after etcd clusters in containers"
  homepage "https://github.com/etcdctr/etcdctr"
  version "1.2.3"
  license "Apache-2.0"

  on_macos do
    on_intel do
      url "https://github.com/etcdctr/etcdctr/releases/download/v1.2.3/etcdctr_1.2.3_darwin_amd64.tar.gz"
      sha256 "SHA256-OF-etcdctr_1.2.3_darwin_amd64.tar.gz"
    end
    on_arm do
      url "https://github.com/etcdctr/etcdctr/releases/download/v1.2.3/etcdctr_1.2.3_darwin_arm64.tar.gz"
      sha256 "SHA256-OF-etcdctr_1.2.3_darwin_arm64.tar.gz"
    end
  end

  on_linux do
    on_intel do
      url "https://github.com/etcdctr/etcdctr/releases/download/v1.2.3/etcdctr_1.2.3_linux_amd64.tar.gz"
      sha256 "SHA256-OF-etcdctr_1.2.3_linux_amd64.tar.gz"
    end
    on_arm do
      url "https://github.com/etcdctr/etcdctr/releases/download/v1.2.3/etcdctr_1.2.3_linux_arm64.tar.gz"
      sha256 "SHA256-OF-etcdctr_1.2.3_linux_arm64.tar.gz"
    end
  end

  def install
    bin.install "etcdctr"
    man1.install Dir["man/man1/*.1"]
    bash_completion.install "completion/etcdctr.bash" => "etcdctr"
    zsh_completion.install "completion/_etcdctr"
    fish_completion.install "completion/etcdctr.fish"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/etcdctr version")
    assert_match "etcd1", shell_output("#{bin}/etcdctr compose --tls none")
  end
end
