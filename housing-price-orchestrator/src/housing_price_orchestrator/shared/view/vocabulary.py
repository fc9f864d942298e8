"""The words that a house may be described with: one named type for each categorical.

They are the values of the Ames survey (De Cock, 2011) and no others. Contract tests compare them with the data set and
with what the fitted model knows, both ways.
"""

from typing import Literal

type MsSubClass = Literal[20, 30, 40, 45, 50, 60, 70, 75, 80, 85, 90, 120, 150, 160, 180, 190]
"""The type of dwelling in the sale, by the survey's code."""

type MsZoning = Literal["A (agr)", "C (all)", "FV", "I (all)", "RH", "RL", "RM"]
"""The zoning of the lot."""

type Street = Literal["Grvl", "Pave"]
"""The road that gives access to the property."""

type Alley = Literal["Grvl", "Pave"]
"""The alley that gives access to the property."""

type LotShape = Literal["IR1", "IR2", "IR3", "Reg"]
"""The shape of the lot, from regular to very irregular."""

type LandContour = Literal["Bnk", "HLS", "Low", "Lvl"]
"""How flat the lot is."""

type Utilities = Literal["AllPub", "NoSeWa", "NoSewr"]
"""The utilities available."""

type LotConfig = Literal["Corner", "CulDSac", "FR2", "FR3", "Inside"]
"""How the lot lies between its neighbours."""

type LandSlope = Literal["Gtl", "Mod", "Sev"]
"""The slope of the lot."""

type Neighborhood = Literal[
    "Blmngtn",
    "Blueste",
    "BrDale",
    "BrkSide",
    "ClearCr",
    "CollgCr",
    "Crawfor",
    "Edwards",
    "Gilbert",
    "Greens",
    "GrnHill",
    "IDOTRR",
    "Landmrk",
    "MeadowV",
    "Mitchel",
    "NAmes",
    "NPkVill",
    "NWAmes",
    "NoRidge",
    "NridgHt",
    "OldTown",
    "SWISU",
    "Sawyer",
    "SawyerW",
    "Somerst",
    "StoneBr",
    "Timber",
    "Veenker",
]
"""A locality within the limits of the city of Ames."""

type Condition1 = Literal["Artery", "Feedr", "Norm", "PosA", "PosN", "RRAe", "RRAn", "RRNe", "RRNn"]
"""What main road, railroad or amenity is near."""

type Condition2 = Literal["Artery", "Feedr", "Norm", "PosA", "PosN", "RRAe", "RRAn", "RRNn"]
"""What second road, railroad or amenity is near."""

type BldgType = Literal["1Fam", "2fmCon", "Duplex", "Twnhs", "TwnhsE"]
"""The type of dwelling."""

type HouseStyle = Literal["1.5Fin", "1.5Unf", "1Story", "2.5Fin", "2.5Unf", "2Story", "SFoyer", "SLvl"]
"""The style of dwelling, by its storeys."""

type RoofStyle = Literal["Flat", "Gable", "Gambrel", "Hip", "Mansard", "Shed"]
"""The shape of the roof."""

type RoofMatl = Literal["ClyTile", "CompShg", "Membran", "Metal", "Roll", "Tar&Grv", "WdShake", "WdShngl"]
"""The material of the roof."""

type Exterior1st = Literal[
    "AsbShng",
    "AsphShn",
    "BrkComm",
    "BrkFace",
    "CBlock",
    "CemntBd",
    "HdBoard",
    "ImStucc",
    "MetalSd",
    "Plywood",
    "PreCast",
    "Stone",
    "Stucco",
    "VinylSd",
    "Wd Sdng",
    "WdShing",
]
"""The main covering of the outer walls."""

type Exterior2nd = Literal[
    "AsbShng",
    "AsphShn",
    "Brk Cmn",
    "BrkFace",
    "CBlock",
    "CmentBd",
    "HdBoard",
    "ImStucc",
    "MetalSd",
    "Other",
    "Plywood",
    "PreCast",
    "Stone",
    "Stucco",
    "VinylSd",
    "Wd Sdng",
    "Wd Shng",
]
"""The second covering; the survey spells three of them differently from the first."""

type MasVnrType = Literal["BrkCmn", "BrkFace", "CBlock", "None", "Stone"]
"""The masonry veneer; `None` is the category of houses without one."""

type BuiltGrade = Literal["Ex", "Fa", "Gd", "TA"]
"""A grade of what no house of the survey has in poor quality: excellent, fair, good, typical."""

type Grade = Literal["Ex", "Fa", "Gd", "Po", "TA"]
"""A grade: excellent, fair, good, poor, typical."""

type Foundation = Literal["BrkTil", "CBlock", "PConc", "Slab", "Stone", "Wood"]
"""The foundation."""

type BsmtExposure = Literal["Av", "Gd", "Mn", "No"]
"""The walkout or garden level walls of the basement."""

type BsmtFinType = Literal["ALQ", "BLQ", "GLQ", "LwQ", "Rec", "Unf"]
"""How well a part of the basement is finished."""

type Heating = Literal["Floor", "GasA", "GasW", "Grav", "OthW", "Wall"]
"""The type of heating."""

type YesNo = Literal["N", "Y"]
"""Yes or no."""

type Electrical = Literal["FuseA", "FuseF", "FuseP", "Mix", "SBrkr"]
"""The electrical system."""

type Functional = Literal["Maj1", "Maj2", "Min1", "Min2", "Mod", "Sal", "Sev", "Typ"]
"""How functional the home is; deductions are warranted below `Typ`."""

type GarageType = Literal["2Types", "Attchd", "Basment", "BuiltIn", "CarPort", "Detchd"]
"""Where the garage is."""

type GarageFinish = Literal["Fin", "RFn", "Unf"]
"""How far the garage is finished inside."""

type PavedDrive = Literal["N", "P", "Y"]
"""Whether the drive is paved: no, partly, yes."""

type Fence = Literal["GdPrv", "GdWo", "MnPrv", "MnWw"]
"""The quality of the fence."""

type MiscFeature = Literal["Elev", "Gar2", "Othr", "Shed", "TenC"]
"""A feature not covered elsewhere."""

type SaleType = Literal["COD", "CWD", "Con", "ConLD", "ConLI", "ConLw", "New", "Oth", "VWD", "WD"]
"""The type of sale."""

type SaleCondition = Literal["Abnorml", "AdjLand", "Alloca", "Family", "Normal", "Partial"]
"""The condition of sale."""
