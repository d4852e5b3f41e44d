# Turns the Akka engine on where a package feed has Akka.NET, for every build of this checkout from now on; -Off turns
# it off again. Writes the git-ignored file Akka.props.
param(
    [string] $Version = '1.5.60',
    [string] $HostingVersion = $Version,
    [string[]] $Source = @(),
    [switch] $Off
)
$ErrorActionPreference = 'Stop'
Set-Location (Join-Path $PSScriptRoot '..')
if ($Off) {
    Remove-Item Akka.props -ErrorAction SilentlyContinue
    'Akka engine: off'
    exit 0
}

$before = if (Test-Path Akka.props) { Get-Content Akka.props -Raw } else { $null }
$sources = '$(RestoreAdditionalProjectSources)' + (($Source | ForEach-Object { ";$_" }) -join '')
function Restore([string] $MessagePack) {
    @"
<Project>
  <PropertyGroup>
    <AkkaEngine>true</AkkaEngine>
    <AkkaVersion>$Version</AkkaVersion>
    <AkkaHostingVersion>$HostingVersion</AkkaHostingVersion>
    <MessagePackTests>$MessagePack</MessagePackTests>
    <RestoreAdditionalProjectSources>$sources</RestoreAdditionalProjectSources>
  </PropertyGroup>
</Project>
"@ | Set-Content Akka.props
    dotnet restore Tests/Runtime.Akka.Tests/Runtime.Akka.Tests.csproj --force
}

# Tests compare our wire format with MessagePack-CSharp's where the feed has that too.
$log = Restore 'true'
if ($LASTEXITCODE -ne 0) { $log = Restore 'false' }
if ($LASTEXITCODE -eq 0) {
    "Akka engine: on ($Version)"
    exit 0
}

if ($null -ne $before) { Set-Content Akka.props $before -NoNewline } else { Remove-Item Akka.props }
$log | Select-String error | Select-Object -First 3
"Akka engine: not in this feed ($Version)"
exit 3
