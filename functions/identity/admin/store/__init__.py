"""The table `admin`: roles, invitations, impersonations, the audit log and its seals, erasures, the setup token."""

from .erasures import Erasure as Erasure
from .erasures import ErasureStore as ErasureStore
from .impersonations import Impersonation as Impersonation
from .impersonations import ImpersonationStore as ImpersonationStore
from .invitations import Invitation as Invitation
from .invitations import InvitationStore as InvitationStore
from .objects import Objects as Objects
from .roles import Role as Role
from .roles import RoleStore as RoleStore
from .seals import Seal as Seal
from .seals import SealStore as SealStore
from .setup import SetupStore as SetupStore
from .trail import Trail as Trail
from .trail import Wanted as Wanted
